"""The worker: owns the models, and takes one video after another from file to staged rows."""

import logging
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa

from pipeline.analysis.video import VideoAnalyzer, load_models
from pipeline.lake import Lake, Origin, failure_tables, video_tables
from pipeline.language import word_count
from pipeline.locations import local_path
from pipeline.models import choose_device
from schemas.config import Config
from schemas.errors import ErrorKind, LakeError, MediaError, ModelError
from schemas.media import MediaInfo
from schemas.outcome import VideoOutcome
from schemas.records import Analysis, Failure, VideoTask
from workers.failures import failure_of, failure_of_attempts
from workers.job import ShardJob
from workers.log_capture import captured_logs

logger = logging.getLogger(__name__)

Position = Callable[[str, float], None]
"""Called with a video's id and the seconds of it that are decoded."""


@dataclass(slots=True)
class _Result:
    info: MediaInfo | None = None
    analysis: Analysis | None = None
    failure: Failure | None = None


class VideoWorker:
    """Analyses videos. Any problem with a video becomes its row in `errors`.

    Args:
        config: The whole configuration.
        threads: Threads of the decoder and of each model.
        position: Called with the progress of the video.

    Raises:
        ModelError: A model cannot be found or loaded, so no video can be analysed.
    """

    def __init__(self, config: Config, *, threads: int, position: Position = lambda _id, _s: None) -> None:
        started = time.perf_counter()
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
        self._load_s = time.perf_counter() - started

    def work(self, task: VideoTask, job: ShardJob) -> VideoOutcome:
        """Analyse a video and stage its rows.

        Args:
            task: The video.
            job: The shard that its rows belong to.

        Raises:
            LakeError: The lake cannot be written, so the shard cannot continue.
        """
        started = time.perf_counter()
        lake = Lake(job.lake_uri)
        with captured_logs() as log:
            earlier = lake.begin_attempt(job.shard, task.video_id, datetime.now(UTC))
            result = _Result(failure=failure_of_attempts(task, earlier, self._config.limits))
            if result.failure is None:
                result = self._attempt(task, len(earlier) + 1)
            tables = self._tables(task, job, result, len(earlier) + 1)
            if result.failure:
                logger.warning("%s", result.failure.message)
        lake.stage(job.shard, task.video_id, tables)
        outcome = _outcome(task, result, wall_s=time.perf_counter() - started)
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
            result.analysis, result.failure = None, failure_of(error, task, attempts)
        return result

    def _tables(self, task: VideoTask, job: ShardJob, result: _Result, attempts: int) -> dict[str, pa.Table]:
        origin = self._origin(revision=job.revision, shard=job.shard, committed_at=datetime.now(UTC))
        if result.analysis is not None:
            try:
                return video_tables(task, result.analysis, origin)
            except LakeError as error:
                # The results violate a table's schema. That is a bug of ours, but it only costs this video.
                result.analysis, result.failure = None, failure_of(error, task, attempts)
        assert result.failure is not None  # noqa: S101 - there is either an analysis or a failure
        return failure_tables(task, result.failure, result.info, origin)


def _check_unchanged(task: VideoTask) -> None:
    """Raise `MediaError` if a local file has changed since its content was digested."""
    uri = task.uris[0]
    path = local_path(uri)
    if path is None or not task.mtime_ns:
        return
    try:
        state = path.stat()
    except OSError as error:
        message = f"{uri} vanished during its analysis: {error.strerror}. Run again to list the archive as it is now."
        raise MediaError(ErrorKind.VANISHED, message, stage="decode") from error
    if (state.st_size, state.st_mtime_ns) != (task.size_bytes, task.mtime_ns):
        message = f"{uri} changed during its analysis. Run again when nothing writes to it any more."
        raise MediaError(ErrorKind.VANISHED, message, stage="decode")


def _outcome(task: VideoTask, result: _Result, *, wall_s: float) -> VideoOutcome:
    analysis, failure = result.analysis, result.failure
    common = {
        "video_id": task.video_id,
        "uri": task.uris[0],
        "size_bytes": task.size_bytes,
        "wall_s": wall_s,
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "peak_rss_bytes": _peak_rss_bytes(),
    }
    if analysis is None:
        kind, message = (failure.kind, failure.message) if failure else ("", "")
        return VideoOutcome(status="failed", error_kind=kind, error_message=message, **common)
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
        **common,
    )


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
