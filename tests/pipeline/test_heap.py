import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from pipeline import heap
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


@pytest.mark.parametrize("given", [(), ("MALLOC_ARENA_MAX",), (*heap._SETTINGS,)])
def test_what_the_environment_says_takes_precedence(given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    calls = list[tuple[int, int]]()
    library = SimpleNamespace(mallopt=lambda *call: calls.append(call) or 1)
    monkeypatch.setattr(heap, "ctypes", SimpleNamespace(CDLL=lambda _name: library))
    for name in heap._SETTINGS:
        monkeypatch.setenv(name, "131072")
        if name not in given:
            monkeypatch.delenv(name)
    keep_freed_memory()
    assert calls == [call for name, call in heap._SETTINGS.items() if name not in given]
    values = {name: "131072" if name in given else str(value) for name, (_, value) in heap._SETTINGS.items()}
    assert {name: os.environ[name] for name in values} == values


@ONLY_GLIBC
def test_memory_is_used_again_where_glibc_refuses_large_thresholds():
    assert page_faults(OLD) < page_faults("") / 10
