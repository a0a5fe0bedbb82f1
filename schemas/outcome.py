"""What a worker reports about a video, and the result of a run: small, typed, and sent between machines as JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.records import NO_CHANGES, LocationChanges
from schemas.stages import STAGES, Stage


class LogLine(BaseModel):
    """A log record from the analysis of a video."""

    model_config = ConfigDict(frozen=True)

    level: int
    logger: str
    message: str


class VideoOutcome(BaseModel):
    """The outcome of one video, whose rows are already staged in the lake."""

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
    stages: tuple[Stage, ...] = STAGES
    """The stages that were redone, or tried."""
    error_kind: str = ""
    error_message: str = ""
    stage_errors: dict[str, str] = {}
    """Why stages of an `ok` video failed, by stage."""
    attempts: int = 1
    worker: str = ""
    """Host and process id of the worker."""
    load_s: float = 0.0
    """Seconds that the worker spent loading models, reported only with its first video."""
    peak_rss_bytes: int = 0
    log: tuple[LogLine, ...] = ()


class RunResult(BaseModel):
    """The result of a run, which the flow returns."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    lake: str
    revision: str
    found: int
    """Distinct videos in the archive."""
    done_before: int
    """Videos already in the lake at this revision."""
    failed_before: int
    """Videos that failed earlier with a permanent error and were not retried."""
    postponed: int
    """Videos over `limits.max_videos`, left for a later run."""
    forgotten: int = 0
    """Videos of the archive that the lake was told to forget."""
    ok: int
    failed: int
    incomplete: int = 0
    """Videos among `ok` of which a stage failed."""
    video_s: float
    wall_s: float
    skipped_extensions: dict[str, int] = {}
    """Number of files that were not listed, by extension in lower case; empty for files without one."""
    broken_links: int = 0
    """Links in the archive that lead to no file."""
    empty_folders: dict[str, int] = {}
    """Known files by the folder that they were in, and that has no files now: its disk may not be mounted."""
    locations: LocationChanges = NO_CHANGES
    """What became of the locations that the lake knew."""
    outcomes: tuple[VideoOutcome, ...] = ()
    """A sample: the newest failures, at most 500, and then the newest other videos, at most 500."""
