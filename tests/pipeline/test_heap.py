import os
import platform
import subprocess
import sys

import pytest

from pipeline.heap import keep_freed_memory

PROGRAM = """
import resource, threading
{call}
import numpy as np

def used():
    for _ in range(5):
        np.full(72 * 2**20, 1, np.uint8)  # as large as the attention of one window of speech

used()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
thread = threading.Thread(target=used)
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(call: str) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    program = [sys.executable, "-c", PROGRAM.format(call=call)]
    return int(subprocess.run(program, env=clean, capture_output=True, text=True, check=True).stdout)


ONLY_GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
OLD = """
import ctypes
from types import SimpleNamespace

library, load = ctypes.CDLL(None), ctypes.CDLL
refusing = lambda name, value: 0 if name == -3 and value > 2**25 else library.mallopt(name, value)
ctypes.CDLL = lambda _name: SimpleNamespace(mallopt=refusing)
import pipeline
ctypes.CDLL = load
"""
"""A program for a glibc that refuses large thresholds."""


@ONLY_GLIBC
def test_memory_that_was_freed_is_used_again_by_any_thread():
    assert page_faults("import pipeline") < page_faults("") / 10


def test_what_the_environment_says_takes_precedence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "131072")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    keep_freed_memory()
    assert (os.environ["MALLOC_ARENA_MAX"], os.environ["MALLOC_TRIM_THRESHOLD_"]) == ("4", "131072")


@ONLY_GLIBC
def test_memory_is_used_again_where_glibc_refuses_large_thresholds():
    assert page_faults(OLD) < page_faults("") / 10
