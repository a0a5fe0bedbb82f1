"""Progress of a run: counted in one place, shown by whoever watches."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from schemas.outcome import VideoOutcome


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a run is."""

    stage: str = "starting"
    files_found: int = 0
    videos: int = 0
    """To analyse in this run."""
    skipped: int = 0
    ok: int = 0
    failed: int = 0
    size_bytes: int = 0
    done_bytes: int = 0
    video_s: float = 0.0
    """Seconds of video analysed, those of videos in work included."""
    elapsed_s: float = 0.0
    """Since the first shard began."""

    @property
    def done(self) -> int:
        """Videos that have ended."""
        return self.ok + self.failed

    @property
    def speed(self) -> float:
        """Seconds of video a second."""
        return self.video_s / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def share(self) -> float:
        """Share of the work that is done, 0 to 1, by bytes, as lengths are not known beforehand."""
        if self.size_bytes:
            return min(1.0, self.done_bytes / self.size_bytes)
        return 1.0 if self.stage == "done" else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds still to go; None while nothing has ended."""
        return self.elapsed_s * (1 - self.share) / self.share if self.share > 0 else None


Watcher = Callable[[Snapshot, VideoOutcome | None], None]
"""Told what changed, and which video has just ended, if one has."""

_watchers: list[Watcher] = []


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Show the progress of runs in this process to a watcher; parameters of a Prefect flow cannot carry one."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


@dataclass(slots=True)
class Tally:
    """Counts while a run goes on; from any thread."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    outcomes: list[VideoOutcome] = field(default_factory=list)
    _begun_s: float | None = None
    _positions_s: dict[str, float] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def update(self, **changes: object) -> None:
        """Set fields of the snapshot."""
        with self._lock:
            self.snapshot = replace(self.snapshot, **changes)  # type: ignore[arg-type]
            self._tell(None)

    def begin(self) -> None:
        """Start the clock, once."""
        with self._lock:
            self._begun_s = self._begun_s or time.monotonic()

    def move(self, positions_s: Mapping[str, float]) -> None:
        """Note how far videos are that are in work."""
        with self._lock:
            ended = {outcome.video_id for outcome in self.outcomes}
            self._positions_s.update({name: at_s for name, at_s in positions_s.items() if name not in ended})
            self._count(None)

    def end(self, outcome: VideoOutcome) -> None:
        """Note that a video has ended."""
        with self._lock:
            self._positions_s.pop(outcome.video_id, None)
            self.outcomes.append(outcome)
            self._count(outcome)

    def _count(self, ended: VideoOutcome | None) -> None:
        outcomes = self.outcomes
        self.snapshot = replace(
            self.snapshot,
            ok=sum(outcome.status == "ok" for outcome in outcomes),
            failed=sum(outcome.status == "failed" for outcome in outcomes),
            done_bytes=sum(outcome.size_bytes for outcome in outcomes),
            video_s=sum(outcome.duration_s for outcome in outcomes) + sum(self._positions_s.values()),
            elapsed_s=time.monotonic() - self._begun_s if self._begun_s else 0.0,
        )
        self._tell(ended)

    def _tell(self, ended: VideoOutcome | None) -> None:
        for watcher in _watchers:
            watcher(self.snapshot, ended)
