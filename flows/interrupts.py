"""Ctrl-C that is never lost.

Python drops an exception that it cannot pass on: one raised in a function that C code calls, such as the `read` or
`seek` that FFmpeg calls while it decodes. So a Ctrl-C at such a moment would be ignored.
"""

import _thread
import sys
import threading
from typing import Any

_AGAIN_S = 0.05


def keep_interrupts() -> None:
    """Raise a `KeyboardInterrupt` that Python drops again a moment later, until it arrives. Call it once."""
    report = sys.unraisablehook

    def hook(dropped: Any) -> None:  # noqa: ANN401 - its type has no public name
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            # Not at once, because it would be raised in here and dropped again.
            threading.Timer(_AGAIN_S, _thread.interrupt_main).start()
        else:
            report(dropped)

    sys.unraisablehook = hook
