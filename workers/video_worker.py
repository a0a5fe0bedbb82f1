"""The worker: owns its models, and takes videos one after another from file to staged rows."""

import logging
import os
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa

from pipeline.analysis.video import VideoAnalyzer, load_models
from pipeline.lake import Lake, Origin, failure_tables, video_tables
from pipeline.language import word_count
from pipeline.models import choose_device
from schemas.config import Config
from schemas.errors import ErrorKind, LakeError, MediaError, ModelError
from schemas.media import MediaInfo
from schemas.outcome import VideoOutcome
from schemas.records import Analysis, Failure, VideoTask
from workers.job import ShardJob
from workers.log_capture import captured_logs

logger = logging.getLogger(__name__)

Position = Callable[[str, float], None]
"""Told a video's id and how many seconds of it are decoded."""


@dataclass(slots=True)
class _Result:
    info: MediaInfo | None = None
    analysis: Analysis | None = None
    failure: Failure | None = None


class VideoWorker:
    """Analyses videos; whatever is wrong with one of them becomes its row in `errors`.

    Args:
        config: The whole tree.
        threads: Threads of the decoder and of each model.
        position: Told how far a video is.

    Raises:
        ModelError: A model cannot be found or loaded; then no video can be analysed.
    """

    def __init__(self, config: Config, *, threads: int, position: Position = lambda _id, _s: None) -> None:
        begun = time.perf_counter()
        self._config = config
        self._position = position
        models = load_models(config, device=choose_device(config.workers.device), threads=threads)
        self._analyzer = VideoAnalyzer(config, models, threads=threads)
        self._origin = partial(
            Origin,
            text=(models.text.info.id, models.text.dimensions),
            vision=(models.vision.info.id, models.vision.dimensions),
            coordinated=models.coordinated.space,
            fused=models.fusion.space,
        )
        self._load_s = time.perf_counter() - begun

    def work(self, task: VideoTask, job: ShardJob) -> VideoOutcome:
        """Analyse a video and stage its rows.

        Args:
            task: The video.
            job: Where its rows belong.

        Returns:
            What became of it.

        Raises:
            LakeError: The lake cannot be written; then the shard cannot go on.
        """
        begun = time.perf_counter()
        lake = Lake(job.lake_uri)
        with captured_logs() as log:
            earlier = lake.begin_attempt(job.shard, task.video_id, datetime.now(UTC))
            result = _Result(failure=self._given_up(task, earlier))
            if result.failure is None:
                result = self._attempt(task, len(earlier) + 1)
            tables = self._tables(task, job, result, len(earlier) + 1)
            if result.failure:
                logger.warning("%s", result.failure.message)
        lake.stage(job.shard, task.video_id, tables)
        outcome = _outcome(task, result, wall_s=time.perf_counter() - begun)
        load_s, self._load_s = self._load_s, 0.0
        return outcome.model_copy(update={"log": tuple(log), "attempts": len(earlier) + 1, "load_s": load_s})

    def _attempt(self, task: VideoTask, attempts: int) -> _Result:
        result = _Result()
        uri = task.uris[0]
        try:
            result.info = self._analyzer.probe(uri)
            result.analysis = self._analyzer.analyze(
                uri,
                result.info,
                video_id=task.video_id,
                progress=lambda position_s: self._position(task.video_id, position_s),
            )
            _check_unchanged(task)
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - one video never stops the others
            result.analysis, result.failure = None, _failure(error, task, attempts)
        return result

    def _given_up(self, task: VideoTask, earlier: Sequence[datetime]) -> Failure | None:
        """Tell whether earlier attempts, which ended with their worker, were enough."""
        limits = self._config.limits
        if earlier and (datetime.now(UTC) - earlier[0]).total_seconds() >= limits.timeout_s:
            message = f"It hung for longer than limits.timeout_s = {limits.timeout_s:g} s and its worker was ended."
        elif len(earlier) >= limits.max_attempts:
            message = (
                f"Its worker died in each of {len(earlier)} attempts, as from a crash in native code or for want of "
                "memory. Look at the worker's log; limits.max_pixels or fewer workers may help."
            )
        else:
            return None
        kind = ErrorKind.CRASHED if len(earlier) >= limits.max_attempts else ErrorKind.TIMEOUT
        return Failure("worker", kind, f"{task.uris[0]}: {message}", "", len(earlier))

    def _tables(self, task: VideoTask, job: ShardJob, result: _Result, attempts: int) -> dict[str, pa.Table]:
        origin = self._origin(revision=job.revision, shard=job.shard, committed_at=datetime.now(UTC))
        if result.analysis is not None:
            try:
                return video_tables(task, result.analysis, origin)
            except LakeError as error:
                # What was found breaks a promise of the tables: our mistake, which costs this video alone.
                result.analysis, result.failure = None, _failure(error, task, attempts)
        assert result.failure is not None  # noqa: S101 - either there is an analysis or a failure
        return failure_tables(task, result.failure, result.info, origin)


def _failure(error: Exception, task: VideoTask, attempts: int) -> Failure:
    if isinstance(error, MediaError):
        return Failure(error.stage, error.kind, str(error), "", attempts)
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        message = f"{task.uris[0]} needs more memory than there is. Use fewer workers, or lower limits.max_pixels."
        return Failure("worker", ErrorKind.OUT_OF_MEMORY, message, trace, attempts)
    message = f"{task.uris[0]}: unexpected {type(error).__name__}: {error}. Please report it with the traceback."
    return Failure("worker", ErrorKind.INTERNAL, message, trace, attempts)


def _check_unchanged(task: VideoTask) -> None:
    """Raise where a local file is not the one any more whose content named the video."""
    uri = task.uris[0]
    if "://" in uri or not task.mtime_ns:
        return
    try:
        state = Path(uri).stat()
    except OSError as error:
        message = f"{uri} vanished while it was analysed: {error.strerror}. Run again to see what is there now."
        raise MediaError(ErrorKind.VANISHED, message, stage="decode") from error
    if (state.st_size, state.st_mtime_ns) != (task.size_bytes, task.mtime_ns):
        message = f"{uri} changed while it was analysed. Run again once nobody writes to it."
        raise MediaError(ErrorKind.VANISHED, message, stage="decode")


def _outcome(task: VideoTask, result: _Result, *, wall_s: float) -> VideoOutcome:
    analysis, failure = result.analysis, result.failure
    about = {
        "video_id": task.video_id,
        "uri": task.uris[0],
        "size_bytes": task.size_bytes,
        "wall_s": wall_s,
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "peak_rss_bytes": _peak_rss_bytes(),
    }
    if analysis is None:
        kind, message = (failure.kind, failure.message) if failure else ("", "")
        return VideoOutcome(status="failed", error_kind=kind, error_message=message, **about)
    utterances = analysis.transcript.utterances
    return VideoOutcome(
        status="ok",
        duration_s=analysis.duration_s,
        language=analysis.transcript.language,
        shots=len(analysis.shots),
        frames=len(analysis.keyframes),
        utterances=len(utterances),
        words=sum(len(each.words) or word_count(each.text, each.language) for each in utterances),
        headline=analysis.summary.headline,
        timings_s=analysis.timings_s,
        **about,
    )


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
