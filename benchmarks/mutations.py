"""What becomes of damaged files: crashes, hangs, internal errors and invented lengths.

    python -m benchmarks.mutations [--each 200] [--pipeline 5] [--formats mp4 ts ...] [--seed 7] [--json FILE]
    python -m benchmarks.mutations --files FILE ...

A film of four seconds is made in twelve formats, and its bytes are damaged in five ways: EACH files of every format,
2,400 by default. A worker process probes and decodes each under the default limits, with thumbnails but without models.
PIPELINE more files of every format go through the whole pipeline. The parent ends a worker that takes too long.

A damaged file may fail with any kind of error but `internal`, or be analysed, but not be more than twice as long as it
was. Files for which that is not so stay in the folder WORK; `--files` tries them again.
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.material.damage import FORMATS, MORE_FORMATS, damaged, undamaged
from pipeline.analysis.keyframes import thumbnail
from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.analysis.shots import FrameSampler
from pipeline.lake import Lake
from pipeline.run.configuration import load_config
from schemas.errors import ErrorKind
from schemas.media import SAMPLE_RATE_HZ, AudioBlock, FrameBatch, SampledFrame
from schemas.records import VideoTask
from workers.failures import failure_of
from workers.job import ShardJob
from workers.video_worker import VideoWorker

MAX_RATIO = 2.0
"""A damaged file may be longer than the whole one: for example, one byte of a header changes a frame rate."""
MAX_RSS_MB = 1500
_NOT_ALLOWED = {"died", "hung", ErrorKind.INTERNAL, ErrorKind.OUT_OF_MEMORY, ErrorKind.TIMEOUT}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the product made of a file."""

    kind: str
    """`ok`, a kind of error, `died` or `hung`."""
    message: str = ""
    duration_s: float = 0.0
    peak_rss_mb: float = 0.0
    """Of the worker process so far."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A file whose outcome is not allowed."""

    file: str
    damage: str
    problem: str
    message: str


Examine = Callable[[Path], Outcome]


def decoder() -> Examine:
    """Return what probes and decodes a file and makes thumbnails."""
    config = load_config(environment={})

    def examine(path: Path) -> Outcome:
        stats = DecodeStats()
        try:
            info = probe(str(path), config.media, config.limits)
            sampler = FrameSampler(config.media)
            items = decode(str(path), info, config.media, config.limits, wanted=sampler, threads=1, stats=stats)
            check_order(items, stats)
        except Exception as error:  # noqa: BLE001 - as in the worker
            failure = failure_of(error, VideoTask("", (str(path),), 0, 0), 1)
            return Outcome(failure.kind, failure.traceback or failure.message)
        return Outcome("ok", "; ".join(stats.warnings), stats.duration_s)

    return examine


def check_order(items: Iterable[FrameBatch | SampledFrame | AudioBlock], stats: DecodeStats) -> None:
    """Raise if the items are not what `decode` promises: in order, and without breaks."""
    frame_s = -1.0
    ends_s: dict[int, float] = {}
    for item in items:
        if isinstance(item, SampledFrame):
            thumbnail(item.image, 320, 80)
        elif isinstance(item, FrameBatch):
            for time_s in item.times_s:
                assert time_s > frame_s, f"frame at {time_s} s after one at {frame_s} s"
                frame_s = float(time_s)
        elif item.lane == 0:
            end_s = ends_s.get(item.stream, item.start_s)
            assert abs(item.start_s - end_s) < 0.001, f"block of {item.stream} at {item.start_s} s, not {end_s} s"
            ends_s[item.stream] = item.start_s + len(item.samples) / SAMPLE_RATE_HZ
    assert frame_s <= stats.duration_s + 0.001, f"a frame at {frame_s} s of {stats.duration_s} s"


def whole_pipeline(lake: Path) -> Examine:
    """Return what analyses a file with all models, and stages its rows in a lake."""
    config = load_config(environment={})
    worker = VideoWorker(config, threads=1)
    job = ShardJob("shard", "revision", Lake.create(str(lake)).uri)

    def examine(path: Path) -> Outcome:
        state = path.stat()
        outcome = worker.work(VideoTask(path.name, (str(path),), state.st_size, state.st_mtime_ns), job)
        return Outcome(outcome.error_kind or "ok", outcome.error_message, outcome.duration_s)

    return examine


class Examiner:
    """A process that examines one file after another. It is started again after a crash or a hang.

    Args:
        make: Called in the process; returns what examines a file.
        max_wall_s: The process is ended if a file takes longer.
    """

    def __init__(self, make: Callable[[], Examine], max_wall_s: float) -> None:
        self._make = make
        self._max_wall_s = max_wall_s
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def examine(self, path: Path) -> Outcome:
        """Return the outcome of a file."""
        if self._process is None:
            self._start()
        try:
            self._pipe.send(path)
            if self._pipe.poll(self._max_wall_s):
                return self._pipe.recv()
            outcome = Outcome("hung", f"longer than {self._max_wall_s:g} s")
        except (EOFError, ConnectionError):
            self._process.join()
            outcome = Outcome("died", f"exit code {self._process.exitcode}")
        self._end()
        return outcome

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._make, far_end), daemon=True)
        self._process.start()
        far_end.close()
        self._pipe.recv()  # it is ready

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.join()
            self._process = None


def _serve(make: Callable[[], Examine], pipe: Connection) -> None:
    examine = make()
    pipe.send(None)
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        outcome = examine(path)
        peak_rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pipe.send(Outcome(outcome.kind, outcome.message, outcome.duration_s, peak_rss_mb))


def problem_of(outcome: Outcome, whole_s: float) -> str:
    """Return what is not allowed in the outcome of a damaged file; empty if nothing.

    Args:
        outcome: Of the damaged file.
        whole_s: Duration of the undamaged file.
    """
    if outcome.kind in _NOT_ALLOWED:
        return outcome.kind
    if outcome.duration_s > MAX_RATIO * whole_s:
        return f"invented length: {outcome.duration_s:.1f} s instead of {whole_s:.1f} s"
    return ""


def examined(
    examiner: Examiner, name: str, files: Iterator[tuple[Path, str]], whole_s: float
) -> tuple[Counter[str], list[Finding]]:
    """Examine damaged files of one format, delete those without a finding, and return outcomes and findings."""
    kinds: Counter[str] = Counter()
    findings = []
    peak_rss_mb = 0.0
    started = time.monotonic()
    for file, damage in files:
        outcome = examiner.examine(file)
        kinds[outcome.kind] += 1
        peak_rss_mb = max(peak_rss_mb, outcome.peak_rss_mb)
        problem = problem_of(outcome, whole_s)
        if not problem:
            file.unlink()
            continue
        findings.append(Finding(file.name, damage, problem, outcome.message))
        print(f"  {file.name} ({damage}): {problem}. {outcome.message[-1500:]}", flush=True)
    counts = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    wall_s = time.monotonic() - started
    print(f"{name:<16}{kinds.total():>6} in {wall_s:.0f} s, {peak_rss_mb:.0f} MB: {counts}", flush=True)
    return kinds, findings


def damaged_files(folder: Path, whole: Path, count: int, seed: int) -> Iterator[tuple[Path, str]]:
    """Write damaged copies of a file, and yield each with the kind of damage."""
    for number, (damage, data) in enumerate(damaged(whole.read_bytes(), count, seed)):
        path = folder / f"{seed}-{number:03d}{whole.name.removeprefix('whole')}"
        path.write_bytes(data)
        yield path, damage


def main() -> None:
    options = _options()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.files:
        with Examiner(decoder, options.max_wall_s) as examiner:
            for file in options.files:
                print(file, examiner.examine(file))
        return
    kinds: dict[str, Counter[str]] = {}
    findings: list[Finding] = []
    runs = (
        ("decoded", decoder, options.each, options.seed),
        ("analysed", partial(whole_pipeline, options.work / "lake"), options.pipeline, options.seed + 1),
    )
    for run, make, each, seed in runs:
        if not each:
            continue
        with Examiner(make, options.max_wall_s) as examiner:
            for name in options.formats:
                whole = undamaged(options.work, name)
                outcome = examiner.examine(whole)
                if outcome.kind != "ok":
                    raise RuntimeError(f"{whole}: {outcome.message}")
                files = damaged_files(options.work, whole, each, seed)
                title = f"{run} {name}"
                kinds[title], found = examined(examiner, title, files, outcome.duration_s)
                findings += found
    total = sum(count.total() for count in kinds.values())
    print(f"{total} files, {len(findings)} findings")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    report = {"files": total, "kinds": kinds, "findings": [asdict(finding) for finding in findings]}
    options.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=200, help="damaged files of every format to decode")
    parser.add_argument("--pipeline", type=int, default=5, help="damaged files of every format to analyse")
    parser.add_argument("--formats", nargs="+", choices=[*FORMATS, *MORE_FORMATS], default=list(FORMATS))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--max-wall-s", type=float, default=120)
    parser.add_argument("--files", type=Path, nargs="+", help="only decode these files, and print their outcome")
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/mutations"))
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/mutations.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
