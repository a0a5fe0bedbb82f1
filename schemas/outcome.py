"""What a worker reports of one video: small, typed, and safe to send between machines as JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class LogLine(BaseModel):
    """A log record made while a video was worked on."""

    model_config = ConfigDict(frozen=True)

    level: int
    logger: str
    message: str


class VideoOutcome(BaseModel):
    """What became of one video. Its rows are already staged in the lake when this exists."""

    model_config = ConfigDict(frozen=True)

    video_id: str
    uri: str
    size_bytes: int = 0
    status: Literal["ok", "failed"]
    duration_s: float = 0.0
    wall_s: float = 0.0
    language: str | None = None
    shots: int = 0
    frames: int = 0
    utterances: int = 0
    words: int = 0
    headline: str = ""
    timings_s: dict[str, float] = {}
    error_kind: str = ""
    error_message: str = ""
    attempts: int = 1
    worker: str = ""
    """Host and process that did it."""
    load_s: float = 0.0
    """Seconds this worker spent loading models, told once, with its first video."""
    peak_rss_bytes: int = 0
    log: tuple[LogLine, ...] = ()


class RunResult(BaseModel):
    """What a run did; what the flow returns."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    lake: str
    revision: str
    found: int
    """Distinct videos in the archive."""
    done_before: int
    """In the lake already, at this revision."""
    failed_before: int
    """Failed earlier for a reason that would come again; not tried."""
    postponed: int
    """Left for a later run by `limits.max_videos`."""
    ok: int
    failed: int
    video_s: float
    wall_s: float
    outcomes: tuple[VideoOutcome, ...] = ()
