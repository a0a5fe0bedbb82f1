"""Measure a program with all processes that it starts: wall time, CPU time and peak memory."""

import contextlib
import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_INTERVAL_S = 3.0
"""Reading the memory of a process stops it for a moment."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program took."""

    wall_s: float
    cpu_s: float
    """Of all its processes, also of those that outlived it."""
    peak_bytes: int
    """Largest memory of all its processes together (PSS: shared pages count once), looked at every three seconds."""


def measure(command: Sequence[str], log: Path, environment: dict[str, str]) -> Cost:
    """Run a program to its end, and wait for all processes that it left.

    Raises:
        RuntimeError: It failed; the message ends with its last lines.
    """
    # Processes whose parent ends become ours, so that their CPU time is counted.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        watched = _Watch(os.getpid())
        code = process.wait()
        wall_s = time.perf_counter() - begun
        _wait_for_the_rest()
        peak, seen_s = watched.stop()
    if code not in (0, 3):
        raise RuntimeError(f"{' '.join(command)} ended with {code}:\n" + "\n".join(log.read_text().splitlines()[-15:]))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Of processes whose parents did not wait for them, as of Ray's workers, only what was seen is known.
    return Cost(round(wall_s, 1), round(max(cpu_s, seen_s), 1), peak)


def _wait_for_the_rest(limit_s: float = 60.0) -> None:
    until = time.monotonic() + limit_s
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.1)


class _Watch:
    """Looks at memory and CPU time of all descendants of a process."""

    def __init__(self, root: int) -> None:
        self._root, self._peak, self._ended = root, 0, threading.Event()
        self._cpu_s: dict[int, float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[int, float]:
        """Return the largest sum of memory, in bytes, and the CPU seconds of all processes that were seen."""
        self._ended.set()
        self._thread.join()
        return self._peak, sum(self._cpu_s.values())

    def _watch(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            found = _descendants(self._root)
            self._cpu_s |= {process: _cpu_s(process) or self._cpu_s.get(process, 0.0) for process in found}
            self._peak = max(self._peak, sum(map(_pss, found)))


def _descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    grown = True
    while grown:
        more = {process for process, parent in parents.items() if parent in found or parent == root} - found
        grown, found = bool(more), found | more
    return found


def _cpu_s(process: int) -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _pss(process: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
