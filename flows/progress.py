"""Progress of a run: counted here, shown by watchers."""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic

from schemas.outcome import VideoOutcome
from schemas.records import VideoTask

_MIN_FINISHED = 3
"""Videos that finish after the first one before a time is estimated."""
_SAMPLE = 500
"""Outcomes of each status that are kept for display."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The progress of a run at one moment."""

    stage: str = "starting"
    files_found: int = 0
    listing: bool = False
    """Whether the archive is still listed, so that more videos may come."""
    videos: int = 0
    """To analyse in this run, as far as they are found."""
    skipped: int = 0
    ok: int = 0
    failed: int = 0
    incomplete: int = 0
    """Of `ok`, the videos of which a stage failed."""
    size_bytes: int = 0
    done_bytes: int = 0
    video_s: float = 0.0
    """Seconds of video analysed, including the running videos."""
    elapsed_s: float = 0.0
    """Seconds since the first shard started."""
    eta_s: float | None = None
    """Estimated seconds remaining; None while too little is known, see `_Pace`."""
    notice: str = ""
    """The newest message to the operator, such as what the run waits for."""

    @property
    def done(self) -> int:
        """Videos that have finished."""
        return self.ok + self.failed

    @property
    def speed(self) -> float:
        """Seconds of video per second."""
        return self.video_s / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def share(self) -> float:
        """Share of the work that is done, 0 to 1, by bytes because durations are not known in advance."""
        if self.size_bytes:
            return min(1.0, self.done_bytes / self.size_bytes)
        return 1.0 if self.stage == "done" else 0.0


Watcher = Callable[[Snapshot, VideoOutcome | None], None]
"""Called after every change, with the outcome of the video that has just finished, if any."""

_watchers: list[Watcher] = []


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Report the progress of runs in this process to a watcher, which cannot be a parameter of a Prefect flow."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


@dataclass(slots=True)
class _Pace:
    """How fast videos finish, from the first one on: before that, workers load models and fill their pipelines.

    The estimate changes when a video finishes. In between it only counts down, since nothing new is known. A byte costs
    as much as those of the finished files with the same extension did: audio costs much more than video.
    """

    planned: Counter[str] = field(default_factory=Counter)
    """Bytes to analyse, by extension."""
    _done: Counter[str] = field(default_factory=Counter)
    """Bytes that are done, by extension."""
    _compute_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """What they cost."""
    _first_s: float | None = None
    """When the first video finished."""
    _last_s: float = 0.0
    _after: int = 0
    """Videos that have finished after the first."""
    _after_s: float = 0.0
    """What they cost."""

    def end(self, outcome: VideoOutcome, now_s: float) -> None:
        """Record that a video has finished."""
        cost_s, kind = sum(outcome.timings_s.values()), _extension(outcome.uri)
        self._done[kind] += outcome.size_bytes
        self._compute_s[kind] += cost_s
        self._last_s = now_s
        if self._first_s is None:
            self._first_s = now_s
        else:
            self._after += 1
            self._after_s += cost_s

    def eta_s(self, now_s: float, running: int) -> float | None:
        """Return the seconds remaining; None until each worker has finished a video since the first, or when late.

        Args:
            now_s: The current time.
            running: Videos that are analysed now.
        """
        done = self._done.total()
        if self._first_s is None or self._after < max(_MIN_FINISHED, running) or not done or self._after_s <= 0:
            return None
        mean = sum(self._compute_s.values()) / done
        work_s = sum(
            max(0, size - self._done[kind]) * (self._compute_s[kind] / self._done[kind] if self._done[kind] else mean)
            for kind, size in self.planned.items()
        )
        left_s = work_s * (self._last_s - self._first_s) / self._after_s - (now_s - self._last_s)
        return left_s if left_s > 0 else None


def _extension(uri: str) -> str:
    return uri.rpartition("/")[2].rpartition(".")[2].lower()


@dataclass(slots=True)
class Tally:
    """Counts the progress of a run. Thread-safe. Neither its size nor the cost of an outcome grows with the run."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    compute_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds of work by step, of all videos."""
    stage_video_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds of video by stage that was made or redone."""
    _ended_video_s: float = 0.0
    _videos: deque[VideoOutcome] = field(default_factory=lambda: deque(maxlen=_SAMPLE))
    _failures: deque[VideoOutcome] = field(default_factory=lambda: deque(maxlen=_SAMPLE))
    _started_s: float | None = None
    _pace: _Pace = field(default_factory=_Pace)
    _positions_s: dict[str, float] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def sample(self) -> tuple[VideoOutcome, ...]:
        """The newest outcomes, failed ones first: at most 500 of each. The lake has all of them."""
        with self._lock:
            return (*self._failures, *self._videos)

    def update(self, **changes: object) -> None:
        """Set fields of the snapshot."""
        with self._lock:
            self.snapshot = replace(self.snapshot, **changes)  # type: ignore[arg-type]
            self._notify(None)

    def expect(self, tasks: Iterable[VideoTask]) -> None:
        """Add videos that the run will analyse."""
        with self._lock:
            for task in tasks:
                self._pace.planned[_extension(task.uris[0])] += task.size_bytes

    def begin(self) -> None:
        """Start the clock, once."""
        with self._lock:
            self._started_s = self._started_s or monotonic()

    def move(self, positions_s: Mapping[str, float]) -> None:
        """Record the progress of all running videos: seconds decoded, by video id."""
        with self._lock:
            self._positions_s = dict(positions_s)
            self._count(self.snapshot, None)

    def end(self, outcome: VideoOutcome) -> None:
        """Record that a video has finished."""
        failed = outcome.status == "failed"
        with self._lock:
            self._positions_s.pop(outcome.video_id, None)
            self._ended_video_s += outcome.duration_s
            (self._failures if failed else self._videos).append(outcome)
            for step, seconds in [*outcome.timings_s.items(), ("load", outcome.load_s)]:
                self.compute_s[step] += seconds
            for stage in outcome.stages:
                self.stage_video_s[stage] += outcome.duration_s
            before = self.snapshot
            counted = replace(
                before,
                ok=before.ok + (not failed),
                failed=before.failed + failed,
                incomplete=before.incomplete + bool(outcome.stage_errors),
                done_bytes=before.done_bytes + outcome.size_bytes,
            )
            self._pace.end(outcome, monotonic())
            self._count(counted, outcome)

    def _count(self, snapshot: Snapshot, ended: VideoOutcome | None) -> None:
        now_s = monotonic()
        eta_s = self._pace.eta_s(now_s, len(self._positions_s))
        self.snapshot = replace(
            snapshot,
            video_s=self._ended_video_s + sum(self._positions_s.values()),
            elapsed_s=now_s - self._started_s if self._started_s else 0.0,
            eta_s=None if snapshot.listing else eta_s,
        )
        self._notify(ended)

    def _notify(self, ended: VideoOutcome | None) -> None:
        for watcher in _watchers:
            watcher(self.snapshot, ended)
