"""Ctrl-C that is never lost.

Python drops an exception that it cannot pass on: one raised in a function that C code calls, such as the `read` or
`seek` that FFmpeg calls while it decodes. So a Ctrl-C at such a moment would be ignored.
"""

import _thread
import signal
import sys
import threading
import time
from queue import SimpleQueue
from types import FrameType
from typing import Any

_AGAIN_S = 0.05
_CALLED_BY_FFMPEG = ("pipeline.analysis.media.sources",)
"""Modules whose functions FFmpeg calls."""
_dropped: "SimpleQueue[Any]" = SimpleQueue()


def keep_interrupts() -> None:
    """Raise a `KeyboardInterrupt` that Python drops again a moment later, until it arrives."""
    if sys.unraisablehook == _dropped.put:
        return
    threading.Thread(target=_watch, args=(sys.unraisablehook,), daemon=True).start()
    # Written in C: no other interrupt can fall into it.
    sys.unraisablehook = _dropped.put
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt`, but later if FFmpeg waits for bytes: Cython would drop it, and print a traceback."""
    while frame is not None:
        if frame.f_globals.get("__name__") in _CALLED_BY_FFMPEG:
            threading.Timer(_AGAIN_S, _thread.interrupt_main).start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _watch(report: Any) -> None:  # noqa: ANN401 - the hook of Python
    while True:
        dropped = _dropped.get()
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            time.sleep(_AGAIN_S)
            _thread.interrupt_main()
        else:
            report(dropped)
        del dropped
