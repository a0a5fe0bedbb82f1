"""How a process that runs models keeps memory: what is freed is used again, not given back to the operating system."""

import ctypes
import os
from collections.abc import Callable

_KEPT_BYTES = 256 * 2**20
_SETTINGS = {
    "MALLOC_ARENA_MAX": (-8, 1),
    "MALLOC_TRIM_THRESHOLD_": (-1, _KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": (-3, 2**30),
}
"""By the name of glibc's environment variable: number and value of the parameter of `mallopt`."""
_INSTEAD = {"MALLOC_MMAP_THRESHOLD_": ("MALLOC_MMAP_MAX_", -4, 0)}
"""What to set where glibc refuses a value. Old versions (2.34) allow no threshold above 32 MB, and once another setting
is given, they no longer raise theirs of 128 KB."""


def keep_freed_memory() -> None:
    """Let this process, and those that it starts, reuse freed memory, up to 256 MB of it.

    The arrays of a model are of tens of megabytes, and glibc asks the operating system for each anew, which clears its
    pages one by one: 30 % of the time of Whisper's encoder. One heap for all threads needs a fifth less memory, too.
    Whatever the environment says takes precedence. Does nothing where the C library is another one. Call it before
    the first thread starts, because those that have a heap keep it.
    """
    library = ctypes.CDLL(None) if os.name == "posix" else None
    set_option: Callable[[int, int], int] = getattr(library, "mallopt", lambda _parameter, _value: 1)
    for name, (parameter, value) in _SETTINGS.items():
        if name in os.environ:
            continue
        if not set_option(parameter, value) and name in _INSTEAD:
            name, parameter, value = _INSTEAD[name]  # noqa: PLW2901 - the setting in its place
            if name in os.environ:
                continue
            set_option(parameter, value)
        os.environ[name] = str(value)
