"""Ctrl-C that is never lost.

Python drops an exception that it cannot pass on: one raised in a function that C code calls, such as the `read` or
`seek` that FFmpeg calls while it decodes. So a Ctrl-C at such a moment would be ignored.
"""

import _thread
import sys
import threading
import time
from functools import partial
from queue import SimpleQueue
from typing import Any

_AGAIN_S = 0.05
_dropped: "SimpleQueue[Any]" = SimpleQueue()


def keep_interrupts() -> None:
    """Raise a `KeyboardInterrupt` that Python drops again a moment later, until it arrives."""
    if sys.unraisablehook == _dropped.put:
        return
    threading.Thread(target=_watch, args=(sys.unraisablehook,), daemon=True).start()
    # Written in C: no other interrupt can fall into it.
    sys.unraisablehook = _dropped.put
    # Cython prints what it drops. An interrupt that is not dropped ends in `flows.cli.main`, never here.
    sys.excepthook = partial(_print, sys.excepthook)


def _print(report: Any, kind: type[BaseException], *error: Any) -> None:  # noqa: ANN401 - the hook of Python
    if not issubclass(kind, KeyboardInterrupt):
        report(kind, *error)


def _watch(report: Any) -> None:  # noqa: ANN401 - the hook of Python
    while True:
        dropped = _dropped.get()
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            time.sleep(_AGAIN_S)
            _thread.interrupt_main()
        else:
            report(dropped)
        del dropped
