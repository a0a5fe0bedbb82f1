"""Ctrl-C arrives, wherever it falls."""

import subprocess
import sys

PROGRAM = """
import _thread, ctypes, signal, time
from flows.interrupts import keep_interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background may have it ignored
keep_interrupts()
calls = []
def called_from_c():
    calls.append(1)
    if len(calls) <= 3:
        _thread.interrupt_main()
    for _ in range(10_000):
        pass
callback = ctypes.CFUNCTYPE(None)(called_from_c)
try:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        callback()
except KeyboardInterrupt:
    print("stopped after", len(calls))
"""


def test_an_interrupt_in_a_function_that_c_code_calls_is_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("stopped after"), done.stderr
    assert "Exception ignored" not in done.stderr
