import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import ctypes, sys, time
from pathlib import Path
from schemas.config import LimitsConfig
from workers.watchdog import Watchdog

def give_up(limit_s, traces):
    Path(sys.argv[1]).write_text(f"{limit_s:g} {traces}")

def hang_in_native_code(): ctypes.CDLL(None).usleep(60_000_000)
def hang_with_the_lock(): ctypes.PyDLL(None).usleep(60_000_000)
def finish(): time.sleep(0.05)
def finish_late():
    watchdog.extend(2)
    time.sleep(1)

def beside_another_one():
    with Watchdog(LimitsConfig(timeout_s=30, timeout_factor=1), give_up):
        time.sleep(0.05)
    hang_with_the_lock()

with Watchdog(LimitsConfig(timeout_s=0.5, timeout_factor=1), give_up, grace_s=0.3) as watchdog:
    globals()[sys.argv[2]]()
time.sleep(1)
"""


@pytest.mark.parametrize(
    ("function", "ended", "given_up"),
    [
        ("hang_in_native_code", True, True),
        ("hang_with_the_lock", True, False),
        ("beside_another_one", True, False),
        ("finish", False, False),
        ("finish_late", False, False),
    ],
)
def test_a_process_that_hangs_is_ended_and_others_are_not(
    function: str, ended: bool, given_up: bool, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(note), function], check=False, capture_output=True)
    assert time.monotonic() - started < 30
    assert (done.returncode != 0, note.exists()) == (ended, given_up), done.stderr.decode()
    if given_up:
        assert note.read_text().startswith("0.5 ")
        assert function in note.read_text()
