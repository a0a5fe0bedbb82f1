"""How a process that runs models keeps memory: what is freed is used again, not given back to the operating system."""

import ctypes
import os

_KEPT_BYTES = 256 * 2**20
_SETTINGS = {
    "MALLOC_ARENA_MAX": (-8, 1),
    "MALLOC_MMAP_THRESHOLD_": (-3, 2**30),
    "MALLOC_TRIM_THRESHOLD_": (-1, _KEPT_BYTES),
}
"""By the name of glibc's environment variable: number and value of the parameter of `mallopt`."""


def keep_freed_memory() -> None:
    """Let this process, and those that it starts, reuse freed memory, up to 256 MB of it.

    The arrays of a model are of tens of megabytes, and glibc asks the operating system for each anew, which clears its
    pages one by one: 30 % of the time of Whisper's encoder. One heap for all threads needs a fifth less memory, too.
    Whatever the environment says takes precedence. Does nothing where the C library is another one. Call it before
    the first thread starts, because those that have a heap keep it.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    for name, (parameter, value) in _SETTINGS.items():
        if name not in os.environ:
            os.environ[name] = str(value)
            if set_option is not None:
                set_option(parameter, value)
