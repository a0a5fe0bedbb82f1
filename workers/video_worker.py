"""The worker: owns the models, and takes one video after another from file to staged rows."""

import logging
import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.analysis.video import VideoAnalyzer, load_models
from pipeline.lake import Lake, Origin, failure_tables, video_tables
from pipeline.language import word_count
from pipeline.locations import local_path
from pipeline.models import choose_device, device_faults
from schemas.config import Config
from schemas.errors import DeviceError, ErrorKind, LakeError, MediaError, ModelError
from schemas.media import MediaInfo
from schemas.outcome import VideoOutcome
from schemas.records import Analysis, Failure, VideoTask
from workers.failures import failure_of, failure_of_attempts, failure_of_time
from workers.job import ShardJob
from workers.log_capture import captured_logs
from workers.machine import Machine
from workers.watchdog import Watchdog

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
        machine: Where it runs; None for a process without a cluster.

    Raises:
        ModelError: A model cannot be found or loaded, so no video can be analysed.
        DeviceError: The GPU is broken.
    """

    def __init__(
        self,
        config: Config,
        *,
        threads: int,
        position: Position = lambda _id, _s: None,
        machine: Machine | None = None,
    ) -> None:
        started = time.perf_counter()
        self._config = config
        self._position = position
        self._machine = machine or Machine()
        with captured_logs() as self._load_log:
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
        """Analyse a video and stage its rows. A video that is already staged is not analysed again.

        Args:
            task: The video.
            job: The shard that its rows belong to.

        Raises:
            DeviceError: The GPU is broken, so this process cannot go on. The video is not at fault.
            LakeError: The lake cannot be written, so the shard cannot continue.
            ModelError: A plug-in model does not work as it must.
        """
        started = time.perf_counter()
        lake = Lake(job.lake_uri)
        with _counted_attempt(lake, task, job, self._machine.node) as earlier:
            outcome = _staged_outcome(lake, task, job) if earlier else None
            if outcome is None:
                outcome = self._analyze(lake, task, job, earlier)
        load_s, self._load_s = self._load_s, 0.0
        load_log, self._load_log = self._load_log, []
        return outcome.model_copy(
            update={"wall_s": time.perf_counter() - started, "load_s": load_s, "log": (*load_log, *outcome.log)}
        )

    def _analyze(self, lake: Lake, task: VideoTask, job: ShardJob, earlier: list[str]) -> VideoOutcome:
        attempts = len(earlier) + 1
        result = _Result(failure=failure_of_attempts(task, earlier, self._config.limits, self._machine.is_lost))

        def give_up(limit_s: float, traces: str) -> None:
            failed = _Result(result.info, failure=failure_of_time(task, limit_s, traces, attempts))
            lake.stage(job.shard, task.video_id, self._tables(task, job, failed, attempts))

        with (
            captured_logs() as log,
            Watchdog(self._config.limits, give_up, active=self._machine.expendable) as watchdog,
        ):
            if result.failure is None:
                self._attempt(task, result, watchdog, attempts)
            tables = self._tables(task, job, result, attempts)
            if result.failure:
                logger.warning("%s", result.failure.message)
            lake.stage(job.shard, task.video_id, tables)
        return _outcome(task, result).model_copy(update={"log": tuple(log), "attempts": attempts})

    def _attempt(self, task: VideoTask, result: _Result, watchdog: Watchdog, attempts: int) -> None:
        """Fill in the result of a video."""
        uri = task.uris[0]

        def progress(position_s: float) -> None:
            watchdog.extend(position_s)
            self._position(task.video_id, position_s)

        try:
            with device_faults():
                result.info = self._analyzer.probe(uri)
                watchdog.extend(result.info.duration_s)
                result.analysis = self._analyzer.analyze(uri, result.info, video_id=task.video_id, progress=progress)
                _check_unchanged(task)
        except (DeviceError, ModelError):
            raise
        except Exception as error:  # noqa: BLE001 - one video never stops the others
            result.analysis, result.failure = None, failure_of(error, task, attempts)

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


@contextmanager
def _counted_attempt(lake: Lake, task: VideoTask, job: ShardJob, node: str) -> Iterator[list[str]]:
    """Count an attempt that ends with the process, and yield the nodes of earlier ones.

    Whatever leaves the block as an exception, such as a broken GPU, a lake that cannot be written, Ctrl-C, or the
    orderly shutdown of a node, is not the fault of the video.
    """
    attempt, earlier = lake.begin_attempt(job.shard, task.video_id, node)
    try:
        yield earlier
    except BaseException:
        with suppress(LakeError, OSError):
            lake.excuse_attempt(job.shard, task.video_id, attempt)
        raise


def _staged_outcome(lake: Lake, task: VideoTask, job: ShardJob) -> VideoOutcome | None:
    """Return the outcome of a video that an earlier attempt staged and could not report; None if it is not staged."""
    videos = lake.staged_rows(job.shard, task.video_id, "videos")
    if videos is None:
        return None
    errors = lake.staged_rows(job.shard, task.video_id, "errors") or []
    summaries = lake.staged_rows(job.shard, task.video_id, "summaries") or []
    names = ("status", "duration_s", "language", "shots", "frames", "utterances", "words")
    return VideoOutcome(
        **_outcome_keys(task),
        **{name: videos[0][name] for name in names},
        timings_s=dict(videos[0]["timings_s"]),
        headline=summaries[0]["headline"] if summaries else "",
        error_kind=errors[0]["kind"] if errors else "",
        error_message=errors[0]["message"] if errors else "",
        attempts=errors[0]["attempts"] if errors else 1,
    )


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


def _outcome_keys(task: VideoTask) -> dict[str, Any]:
    return {
        "video_id": task.video_id,
        "uri": task.uris[0],
        "size_bytes": task.size_bytes,
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "peak_rss_bytes": _peak_rss_bytes(),
    }


def _outcome(task: VideoTask, result: _Result) -> VideoOutcome:
    analysis, failure = result.analysis, result.failure
    common = _outcome_keys(task)
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
