"""File systems of URIs."""

import subprocess
import sys


def test_no_thread_of_a_store_is_left_when_python_ends() -> None:
    script = """
import atexit, fsspec.asyn
atexit.register(lambda: print(fsspec.asyn.iothread[0].is_alive()))
from pipeline.remote import file_system
file_system("https://example.org/film.mp4")[0].loop
print(fsspec.asyn.iothread[0].is_alive())
"""
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert ended.stdout.split() == ["True", "False"]
