"""Kill writers of a lake and fail requests of its store at random, and compare the lake with what it must hold.

    python -m benchmarks.faults [--rounds 300] [--seed 0] [--store disk s3] [--json FILE]

Each round starts one or two processes that write a lake as a run does: they take the lock, clean up, stage and commit
the videos that are missing, and compact. Then they redo a stage of some videos, or correct or forget some. Only the
analysis is replaced: `tests/pipeline/lake/lakes.py` makes up the same rows each time. A process is killed at a random
moment or at a chosen change or request, or stopped for longer than its lease lasts. Or it reaches its store (moto, a
real S3 server) through a proxy that delays, refuses, fails and drops requests. The next round goes on with the same
lake. Every few rounds an undisturbed run must complete it.

All of these must be 0:

    lost           videos, redone stages and corrections that were confirmed and that readers no longer see
    doubled        rows that readers see twice
    half visible   videos with missing rows, or rows that no analysis made
    half forgotten forgotten videos that are back, of which a view shows a row, or of which a byte is left in a file
    hang           processes that had to be killed because they did not end
    repair         undisturbed runs that failed
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from pipeline.lake import Lake, lease
from pipeline.lake.store import Store
from pipeline.remote import requests
from schemas.corrections import Correction
from schemas.errors import LakeError, LostLeaseError
from schemas.tables import VIDEO_TABLES
from tests.pipeline.lake.lakes import NOON, redo, run, seen
from tests.pipeline.lake.remains import remains, traces_of
from tests.s3 import Fault, FaultProxy, Request, S3Server, environment

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.pipeline.lake.lakes", "tests.s3", "s3fs"])
_EXPIRY_S, _HEARTBEAT_S = 2.0, 0.3
_LIMIT_S = 180.0
_VIDEOS_A_ROUND, _SHARD_SIZE = 3, 2
_VIDEOS = [f"v{number:02}" for number in range(36)]
"""The videos of a lake; then a new one begins."""
_CHANGES = ("publish", "write_new", "remove", "remove_files", "remove_folder", "move")
_COMPARED = frozenset(VIDEO_TABLES)
_ERRORS = [fault for fault in Fault if fault is not Fault.IGNORED_CONDITION]
_LOOKS_S = 0.5

Rows = Mapping[str, Counter[str]]
"""How often readers see each row, by table and video (`frames v01`), and each video, under `videos`."""

Expected = Mapping[str, Sequence[Rows]]
"""The rows of each video, in each version."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What a process is to do."""

    uri: str
    videos: list[str]
    environment: dict[str, str]
    dies_at: int | None = None
    """The change to the lake's files before which it kills itself."""
    redone: list[str] = field(default_factory=list)
    """Videos of which it then redoes a stage."""
    corrected: list[str] = field(default_factory=list)
    """Videos that it then corrects."""
    forgotten: list[str] = field(default_factory=list)
    """Videos that it then forgets."""


@dataclass(slots=True)
class Counts:
    """What happened, and what went wrong."""

    rounds: int = 0
    kills: int = 0
    store_errors: int = 0
    pauses: int = 0
    two_writers: int = 0
    refused: int = 0
    lost_leases: int = 0
    redone: int = 0
    corrected: int = 0
    forgotten: int = 0
    lost: int = 0
    doubled: int = 0
    half_visible: int = 0
    half_forgotten: int = 0
    hang: int = 0
    repair: int = 0
    problems: list[str] = field(default_factory=list)

    def bad(self) -> int:
        """Return how much went wrong."""
        return self.lost + self.doubled + self.half_visible + self.half_forgotten + self.hang + self.repair


def write(task: Writing, report: Connection) -> None:
    """Write a lake as a run does, in a process of its own."""
    os.environ.update(task.environment)
    os.environ["AWS_MAX_ATTEMPTS"] = "1"  # our own retries are what is tried, and s3fs's waits are long
    with suppress(ImportError):
        import s3fs

        s3fs.S3FileSystem.retries = 1
    requests._FIRST_DELAY_S = 0.02
    lease.EXPIRY_S, lease.HEARTBEAT_S, lease._POLL_S = _EXPIRY_S, _HEARTBEAT_S, 0.05
    if task.dies_at is not None:
        _die_at(task.dies_at)
    commit = Lake.commit

    def reported(self: Lake, shard: str, revision: str, videos: Any = None) -> int:
        promised = sorted(self.staged(shard))
        count = commit(self, shard, revision, videos)
        report.send(("committed", promised))
        return count

    Lake.commit = reported  # type: ignore[method-assign]
    try:
        lake = Lake.create(task.uri)
        run(lake, task.videos, shard_size=_SHARD_SIZE, compact=random.random() < 0.3)
        _maintain(lake, task, report)
    except LostLeaseError:
        report.send("lost its lease")
    except LakeError as error:
        report.send("refused" if "is being written" in str(error) else f"gave up: {error}")
    else:
        report.send("done")


def _maintain(lake: Lake, task: Writing, report: Connection) -> None:
    """Redo, correct and forget videos, and say what is done."""
    with lake.lock():
        seen_at = NOON + timedelta(minutes=1)
        lake.write_sources("r", [_source(each, seen_at) for each in task.videos])
        shown = lake.sql("SELECT video_id FROM videos")["video_id"].to_pylist()
        lake.write_report("r", " ".join(f"{each}.mp4" for each in shown))
        # It stands for the search index, which a clean-up removes as a whole.
        lake._store.write("_search/0123456789abcdef/rows.arrow", b"".join(b"".join(traces_of(each)) for each in shown))
    if task.redone:
        redo(lake, task.redone, shard_size=1, again=True)
        report.send(("redone", task.redone))
    for video_id in task.corrected:
        lake.write_corrections([_correction(video_id)])
        report.send(("corrected", [video_id]))
    if task.forgotten:
        lake.forget([each for each in task.forgotten if each not in lake.forgotten()])
        report.send(("forgotten", task.forgotten))


def _source(video_id: str, seen_at: datetime) -> dict[str, Any]:
    uri = f"/archive/{video_id}.mp4"
    return {"uri": uri, "size_bytes": 9, "mtime_ns": 1, "video_id": video_id, "seen_at": seen_at}


def _correction(video_id: str) -> Correction:
    return Correction(
        correction_id=uuid.uuid4().hex, video_id=video_id, field="headline", place=None, spans=(),
        from_value=f"Bicycles in {video_id}", to_value=f"Sentence 1 of {video_id}.", author="nobody", made_at=NOON,
    )  # fmt: skip


def _die_at(changes: int) -> None:
    """Kill this process before its n-th change to the lake's files: the seam that stands for `kill -9` at any stage."""
    left = changes

    def counted(name: str) -> None:
        original = getattr(Store, name)

        def change(self: Store, *arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(self, *arguments, **options)

        setattr(Store, name, change)

    for name in _CHANGES:
        counted(name)


class Writer:
    """A process that writes, and what it reported."""

    def __init__(self, task: Writing) -> None:
        self._receiving, sending = _CONTEXT.Pipe(duplex=False)
        self.process: ForkServerProcess = _CONTEXT.Process(target=write, args=(task, sending), daemon=True)
        self.process.start()
        sending.close()
        self.task = task
        self.said: dict[str, set[str]] = {"committed": set(), "redone": set(), "corrected": set(), "forgotten": set()}
        self.result = ""

    def signal(self, number: int) -> bool:
        """Send a signal if the process lives."""
        if self.process.pid is None or not self.process.is_alive():
            return False
        os.kill(self.process.pid, number)
        return True

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and return whether it came."""
        self.process.join(seconds)
        with suppress(EOFError, OSError):
            while self._receiving.poll():
                said = self._receiving.recv()
                if isinstance(said, str):
                    self.result = said
                else:
                    kind, videos = said
                    self.said[kind].update(videos)
        return not self.process.is_alive()


class Trial:
    """One store, and the lakes on it one after another.

    Args:
        name: `disk` or `s3`.
        folder: Where lakes on disk are.
        chance: Random numbers.
        expected: See `undisturbed`.
        server: The S3 server.
        proxy: The proxy in front of it.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        chance: random.Random,
        *,
        expected: Expected,
        server: S3Server,
        proxy: FaultProxy,
    ) -> None:
        self.counts = Counts()
        self._name, self._folder, self._chance = name, folder, chance
        self._expected, self._server, self._proxy = expected, server, proxy
        self._environment = environment(proxy.endpoint)
        self._lakes = 0
        self._usual = 40
        self._new_lake()

    def _new_lake(self) -> None:
        self._lakes += 1
        self._videos: list[str] = []
        self._promised: set[str] = set()
        self._redone: set[str] = set()
        self._corrected: set[str] = set()
        self._asked: set[str] = set()
        """Videos that a process was asked to forget. They may be there or not, until they are gone once."""
        self._gone: set[str] = set()
        if self._name == "s3":
            bucket = f"{self._name}-{os.getpid()}-{self._lakes}"
            self._server.create_bucket(bucket)
            self._uri = f"s3://{bucket}/lake"
        else:
            self._uri = str(self._folder / f"lake-{self._lakes}")

    def round(self) -> None:
        """Do one round."""
        start = len(self._videos)
        self._videos += _VIDEOS[start : start + _VIDEOS_A_ROUND]
        kinds: list[Callable[[], None]] = [self._kill_at_a_moment, self._kill_at_a_change, self._two, self._pause]
        if self._name == "s3":
            kinds += [self._kill_at_a_request, self._errors, self._errors_and_a_kill]
        kind = self._chance.choices(kinds, [2, 4, 1, 1, 4, 3, 2][: len(kinds)])[0]
        kind()
        self.counts.rounds += 1
        self._look(kind.__name__)
        if self.counts.rounds % 4 == 0:
            self._complete(kind.__name__)
        if len(self._videos) == len(_VIDEOS):
            self._complete(kind.__name__)
            self._new_lake()

    def _start(self, dies_at: int | None = None) -> Writer:
        known = sorted(self._promised - self._gone)
        chosen = self._chance.choices(("forgotten", "redone", "corrected", ""), (4, 2, 2, 1))[0]
        some = self._chance.sample(known, min(len(known), self._chance.choice((1, 2))))
        redone, corrected, forgotten = (some if chosen == each else [] for each in ("redone", "corrected", "forgotten"))
        self._asked.update(forgotten)
        return Writer(Writing(self._uri, self._videos, self._environment, dies_at, redone, corrected, forgotten))

    def _start_undisturbed(self) -> Writer:
        return Writer(Writing(self._uri, self._videos, self._environment))

    def _kill_at_a_moment(self) -> None:
        writer = self._start()
        writer.wait(self._chance.uniform(0, 4))
        self.counts.kills += writer.signal(signal.SIGKILL)
        self._end(writer)

    def _kill_at_a_change(self) -> None:
        writer = self._start(dies_at=self._chance.randrange(110))
        self._end(writer)
        self.counts.kills += not writer.result

    def _kill_at_a_request(self) -> None:
        at, before = self._chance.randrange(self._usual), self._chance.random() < 0.5
        writer: list[Writer] = []
        left = [at]

        def plan(_: Request) -> Fault | None:
            left[0] -= 1
            if left[0] >= 0 or not writer:
                return None
            self.counts.kills += left[0] == -1 and writer[0].signal(signal.SIGKILL)
            return Fault.LOST_REQUEST if before else Fault.LOST_RESPONSE

        with self._proxy.failing(plan):
            writer.append(self._start())
            self._end(writer[0])

    def _errors(self) -> None:
        with self._failing():
            self._end(self._start())

    def _errors_and_a_kill(self) -> None:
        with self._failing():
            writer = self._start()
            writer.wait(self._chance.uniform(0.2, 3))
            self.counts.kills += writer.signal(signal.SIGKILL)
            self._end(writer)

    def _two(self) -> None:
        self.counts.two_writers += 1
        with ExitStack() as stack:
            if self._name == "s3" and self._chance.random() < 0.5:
                stack.enter_context(self._failing())
            one, other = self._start(), self._start()
            killed = self._chance.random() < 0.3
            if killed:
                one.wait(self._chance.uniform(0, 1))
                self.counts.kills += one.signal(signal.SIGKILL)
            self._end(one)
            self._end(other)

    def _pause(self) -> None:
        """Stop a writer for longer than its lease lasts, let another one write, and let the first one go on."""
        paused = self._start()
        paused.wait(self._chance.uniform(0.1, 1))
        self.counts.pauses += paused.signal(signal.SIGSTOP)
        other = self._start()
        try:
            self._end(other)
        finally:
            paused.signal(signal.SIGCONT)
        self._end(paused)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        share, chance = self._chance.choice((0.02, 0.1, 0.3)), random.Random(self._chance.random())
        lock = threading.Lock()

        def plan(_: Request) -> Fault | None:
            with lock:
                fails, fault, delay_s = chance.random() < share, chance.choice(_ERRORS), chance.choice((0, 0, 0.05))
            time.sleep(delay_s)
            return fault if fails else None

        before = self._proxy.faults.total()
        with self._proxy.failing(plan):
            yield
        self.counts.store_errors += self._proxy.faults.total() - before

    def _end(self, writer: Writer) -> None:
        """Wait for the end of a writer, and look at the lake meanwhile as readers do."""
        deadline = time.monotonic() + _LIMIT_S
        while not writer.wait(_LOOKS_S):
            if time.monotonic() > deadline:
                self._problem("hang", f"a writer did not end within {_LIMIT_S:.0f} s")
                writer.signal(signal.SIGCONT)
                writer.signal(signal.SIGKILL)
        said = writer.said
        self._promised |= said["committed"] - self._gone
        # A failure has no stage to redo.
        self._redone |= said["redone"] - {"v03"}
        self._corrected |= said["corrected"]
        self._gone |= said["forgotten"]
        self.counts.redone += len(said["redone"])
        self.counts.corrected += len(said["corrected"])
        self.counts.forgotten += len(said["forgotten"])
        self.counts.refused += writer.result == "refused"
        self.counts.lost_leases += writer.result == "lost its lease"
        if writer.result.startswith("gave up"):
            self._problem("repair", writer.result)

    def _complete(self, after: str) -> None:
        """Let an undisturbed run complete the lake."""
        before = self._proxy.requests.total()
        writer = self._start_undisturbed()
        self._end(writer)
        if writer.result != "done":
            self._problem("repair", f"after {after}, an undisturbed run ended with {writer.result!r}")
        self._usual = max(20, self._proxy.requests.total() - before)
        self._promised = set(self._videos)
        self._look(f"the run after {after}")
        self._asked &= self._gone
        lake = Lake(self._uri)
        for video_id in sorted(self._gone):
            if left := remains(lake, video_id):
                self._problem("half_forgotten", f"after {after}, {video_id} is still in {', '.join(sorted(left))}")

    def _look(self, after: str) -> None:
        """Compare what readers see with what they must see."""
        try:
            found = _rows(Lake(self._uri))
        except LakeError as error:
            if self._promised:
                self._problem("repair", f"after {after}, the lake cannot be read: {error}")
            return
        self._gone |= {each for each in self._asked if each in self._promised and each not in found["videos"]}
        self._promised -= self._gone
        known = {name: each - self._gone for name, each in (("redone", self._redone), ("corrected", self._corrected))}
        for kind, message in (
            *differences(found, self._expected, self._promised),
            *forgotten_rows(found, self._gone),
            *lost_changes(found, **known),
        ):
            self._problem(kind, f"after {after}: {message}")

    def _problem(self, kind: str, message: str) -> None:
        setattr(self.counts, kind, getattr(self.counts, kind) + 1)
        self.counts.problems.append(f"{self._name}, round {self.counts.rounds}: {kind}: {message}")
        print(self.counts.problems[-1], file=sys.stderr)


def differences(found: Rows, expected: Expected, promised: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what readers see and must not, or must see and do not.

    Args:
        found: The rows that they see.
        expected: The rows of each video when it is there: as it was first analysed, and as it was redone.
        promised: Videos whose commit was confirmed.

    Yields:
        The kind, a field of `Counts`, and a message.
    """
    visible = set(found["videos"])
    for video_id in sorted(set(promised) - visible):
        yield "lost", video_id
    for video_id in sorted(visible - set(expected)):
        yield "half_visible", f"nobody analysed {video_id}"
    for video_id in sorted(visible & set(expected)):
        own = {key: rows for key, rows in found.items() if key.split()[-1] == video_id and key.split()[0] in _COMPARED}
        # The same versions of the rows must be in all tables.
        yield from min((list(_unlike(own, version)) for version in expected[video_id]), key=len)


def _unlike(found: Rows, expected: Rows) -> Iterator[tuple[str, str]]:
    for key, rows in found.items():
        for row, count in rows.items():
            if row not in expected.get(key, ()):
                yield "half_visible", f"{key} has an unknown row {row[:200]}"
            elif count > expected[key][row]:
                yield "doubled", f"{key}, {row[:200]}"
    for key, rows in expected.items():
        if missing := rows - found.get(key, Counter()):
            yield "half_visible", f"{key} misses {missing.total()} rows"


def forgotten_rows(found: Rows, gone: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the rows of forgotten videos that readers see."""
    for key, rows in found.items():
        table, _, video_id = key.partition(" ")
        if (video_id in gone and table != "forgotten") or (key == "videos" and set(rows) & set(gone)):
            yield "half_forgotten", f"{key} has rows of a forgotten video"


def lost_changes(found: Rows, *, redone: Collection[str], corrected: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the confirmed changes that readers do not see."""
    for video_id in sorted(redone):
        if not any("'Redone'" in row for row in found.get(f"summaries {video_id}", ())):
            yield "lost", f"the redone stage of {video_id}"
    for video_id in sorted(corrected):
        rows = found.get(f"corrections {video_id}", Counter())
        if not rows:
            yield "lost", f"the correction of {video_id}"
        elif max(rows.values()) > 1:
            yield "doubled", f"a correction of {video_id}"


def undisturbed(folder: Path, rounds: int | None = None) -> Expected:
    """Return the rows of each video in a lake that nothing disturbed: as first analysed, and as redone.

    Args:
        folder: Where the lake is made.
        rounds: Leave out the videos that no lake has after so many rounds.
    """
    videos = _VIDEOS if rounds is None else _VIDEOS[: rounds * _VIDEOS_A_ROUND]
    lake = Lake.create(str(folder))
    run(lake, videos, shard_size=len(videos))
    first = _rows(lake)
    redo(lake, videos, shard_size=1, again=True)
    versions = [first, _rows(lake)]
    return {
        video_id: [{key: rows for key, rows in each.items() if key.split()[1:] == [video_id]} for each in versions]
        for video_id in videos
    }


def _rows(lake: Lake) -> Rows:
    found: dict[str, Counter[str]] = {"videos": Counter()}
    for table, rows in seen(lake).items():
        for row in rows:
            found.setdefault(f"{table} {row.get('video_id')}", Counter())[repr(row)] += 1
            if table == "videos":
                found["videos"][row["video_id"]] += 1
    return found


def _save(results: Mapping[str, Counts], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: asdict(counts) for name, counts in results.items()}, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="rounds, divided among the stores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", nargs="+", choices=["disk", "s3"], default=["disk", "s3"])
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/faults.json"))
    options = parser.parse_args()
    started = time.monotonic()
    results: dict[str, Counts] = {}
    folder = Path(tempfile.mkdtemp(prefix="videolake-faults-"))
    try:
        with S3Server() as server, FaultProxy(server.host, server.port) as proxy:
            os.environ.update(environment(server.endpoint))
            expected = undisturbed(folder / "undisturbed")
            for name in options.store:
                chance = random.Random(f"{options.seed} {name}")
                trial = Trial(name, folder, chance, expected=expected, server=server, proxy=proxy)
                results[name] = trial.counts
                for _ in range(options.rounds // len(options.store)):
                    trial.round()
                    _save(results, options.json)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    names = [name for name in asdict(Counts()) if name != "problems"]
    print(f"{'':<14}" + "".join(f"{name:>8}" for name in results))
    for name in names:
        label = name.replace("_", " ")
        print(f"{label:<14}" + "".join(f"{getattr(counts, name):>8}" for counts in results.values()))
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(1 if any(counts.bad() for counts in results.values()) else 0)


if __name__ == "__main__":
    main()
