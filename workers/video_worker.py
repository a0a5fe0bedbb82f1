"""The worker: owns the models, and takes videos from file to staged rows, one after another or a few at a time."""

import logging
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.analysis.media import find_sidecars
from pipeline.analysis.video import DECODING, VideoAnalyzer
from pipeline.lake import (
    Lake,
    Origin,
    analysis_of,
    failure_tables,
    stage_states,
    time_after,
    video_tables,
    well_formed,
)
from pipeline.language import word_count
from pipeline.locations import local_path
from pipeline.models import device_faults
from schemas.config import Config
from schemas.corrections import Correction
from schemas.errors import DeviceError, ErrorKind, LakeError, MediaError, ModelError, ModelOutputError
from schemas.media import MediaInfo
from schemas.outcome import LogLine, VideoOutcome
from schemas.records import Analysis, Failure, StageState, VideoTask
from schemas.stages import STAGES, Stage
from workers.failures import failure_of, failure_of_attempts, failure_of_time, failures_of_stages, kind_of
from workers.job import ShardJob
from workers.loading import load
from workers.log_capture import captured_logs
from workers.machine import Machine
from workers.positions import Position
from workers.watchdog import Watchdog

logger = logging.getLogger(__name__)

_UNUSABLE = (LakeError, LookupError, TypeError, ValueError)
"""Raised by rows that another program or a much older version wrote."""


@dataclass(slots=True)
class _Result:
    info: MediaInfo | None = None
    analysis: Analysis | None = None
    failure: Failure | None = None
    stages: frozenset[Stage] = frozenset(STAGES)
    """The stages that were redone, or tried."""
    before: tuple[StageState, ...] = ()
    """What the stages were made with before."""
    before_at: datetime | None = None
    """When those results were made."""
    corrections: Sequence[Correction] = ()
    """What people corrected."""
    stage_failures: Sequence[Failure] = ()
    """Why stages failed while others succeeded."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What the lake has of a video, of which some stages are redone."""

    analysis: Analysis
    states: tuple[StageState, ...]
    committed_at: datetime
    uri: str
    mtime_ns: int


class VideoWorker:
    """Analyses videos. Any problem with a video becomes its row in `errors`.

    Several threads may let it work at the same time, each on a video of its own.

    Args:
        config: The whole configuration.
        threads: Threads of the decoder and of each model. Videos that are analysed at the same time share them.
        position: Called with the progress of each video, and with None at its end.
        machine: Where it runs; None for a process without a cluster.
        expected: The stages whose models are loaded now. Those of others are loaded once a video needs them.

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
        expected: Collection[Stage] = STAGES,
    ) -> None:
        self._config, self._threads = config, threads
        self._position = position
        self._machine = machine or Machine()
        self._lock = threading.Lock()
        """Held to change what follows, which the threads share."""
        self._load_s, self._load_log = 0.0, list[LogLine]()
        self._lakes = threading.local()
        self._load(expected)

    def _load(self, stages: Collection[Stage]) -> None:
        """Load the models of some stages."""
        loaded = load(self._config, self._threads, stages)
        self._analyzer = VideoAnalyzer(self._config, loaded.models, threads=self._threads)
        self._origin = partial(Origin, **loaded.models.encoders)
        self._load_s += loaded.load_s
        self._load_log += loaded.log

    def work(self, task: VideoTask, job: ShardJob) -> VideoOutcome:
        """Analyse a video and stage its rows. A video that is already staged is not analysed again.

        Args:
            task: The video.
            job: The shard that its rows belong to.

        Raises:
            DeviceError: The GPU is broken, so this process cannot go on. The video is not at fault.
            LakeError: The lake cannot be written, so the shard cannot continue.
            ModelError: The models of a stage cannot be loaded.
        """
        started = time.perf_counter()
        lake = self._opened(job.lake_uri)
        # An attempt beside other videos counts for none of them, because the process may end for any of them.
        node = "" if job.shared else self._machine.node
        with lake.patiently(), self._shown(task), _counted_attempt(lake, task, job, node) as earlier:
            outcome = _staged_outcome(lake, task, job) if earlier else None
            if outcome is None:
                outcome = self._analyze(lake, task, job, earlier)
        with self._lock:
            load_s, self._load_s = self._load_s, 0.0
            load_log, self._load_log = self._load_log, []
        return outcome.model_copy(
            update={"wall_s": time.perf_counter() - started, "load_s": load_s, "log": (*load_log, *outcome.log)}
        )

    def _opened(self, uri: str) -> Lake:
        """Return the lake. The same instance reads one video after another at less cost. Each thread has its own."""
        lake: Lake | None = getattr(self._lakes, "lake", None)
        if lake is None or lake.uri != uri:
            lake = self._lakes.lake = Lake(uri)
        return lake

    @contextmanager
    def _shown(self, task: VideoTask) -> Iterator[None]:
        """Let the position of a video end with the block."""
        try:
            yield
        finally:
            self._position(task.video_id, None)

    def _analyzer_for(self, stages: Collection[Stage]) -> VideoAnalyzer:
        """Return an analyzer with the models of some stages. What is not loaded yet is loaded."""
        with self._lock:
            if not self._analyzer.models.stages >= frozenset(stages):
                self._load(self._analyzer.models.stages | frozenset(stages))
            return self._analyzer

    def _analyze(self, lake: Lake, task: VideoTask, job: ShardJob, earlier: list[str]) -> VideoOutcome:
        attempts = len(earlier) + 1
        result = _Result(failure=failure_of_attempts(task, earlier, self._config.limits, self._machine.is_lost))
        result.stages = frozenset(task.stages)

        def give_up(limit_s: float, traces: str) -> None:
            if job.shared:
                return  # it may have waited for the turn of another video, which hangs
            failed = _Result(
                result.info, failure=failure_of_time(task, limit_s, traces, attempts), stages=result.stages
            )
            lake.stage(job.shard, task.video_id, self._tables(task, job, failed, attempts))

        with (
            captured_logs() as log,
            Watchdog(self._config.limits, give_up, active=self._machine.expendable) as watchdog,
        ):
            if result.failure is None:
                before = self._before(lake, task)
                result.stages = self._analyzer.stages_for(task.stages, before.analysis) if before else frozenset(STAGES)
                if before:
                    result.before, result.before_at = before.states, before.committed_at
                    if result.stages.isdisjoint(DECODING):
                        task = _where_analysed(task, before)
                result.corrections = lake.corrections([task.video_id]).get(task.video_id, ())
                self._attempt(task, result, before, watchdog, attempts)
            tables = self._tables(task, job, result, attempts)
            for failure in [result.failure] if result.failure else result.stage_failures:
                logger.warning("%s", failure.message)
            lake.stage(job.shard, task.video_id, tables)
        return _outcome(task, result).model_copy(update={"log": tuple(log), "attempts": attempts})

    def _before(self, lake: Lake, task: VideoTask) -> _Before | None:
        """Return what the lake has of a video; None if it is analysed as a whole."""
        tables = lake.rows_of(task.video_id, task.before) if task.before is not None else None
        if tables is None:
            return None
        try:
            names = ("committed_at", "uri", "mtime_ns")
            return _Before(analysis_of(tables), stage_states(tables), *(tables["videos"][n][0].as_py() for n in names))
        except _UNUSABLE as error:
            logger.warning("%s is analysed as a whole, because its rows cannot be used: %s", task.uris[0], error)
            return None

    def _attempt(
        self, task: VideoTask, result: _Result, before: _Before | None, watchdog: Watchdog, attempts: int
    ) -> None:
        """Fill in the result of a video."""
        uri = task.uris[0]
        reads_file = not result.stages.isdisjoint(DECODING)

        def progress(position_s: float) -> None:
            watchdog.extend(position_s)
            self._position(task.video_id, position_s)

        try:
            analyzer = self._analyzer_for(result.stages)
            with device_faults():
                kept = before.analysis if before else None
                if kept is not None and not reads_file and "text" in result.stages and _subtitles_changed(uri, kept):
                    kept = analyzer.with_current_subtitles(uri, kept, progress=progress)
                result.info = analyzer.probe(uri) if reads_file or kept is None else kept.info
                watchdog.extend(result.info.duration_s)
                result.analysis = analyzer.analyze(
                    uri,
                    result.info,
                    video_id=task.video_id,
                    progress=progress,
                    stages=result.stages,
                    before=kept,
                    corrections=result.corrections,
                )
                if reads_file:
                    _check_unchanged(task)
                result.stage_failures = failures_of_stages(result.analysis.failed, task, attempts)
        except ModelOutputError as error:
            result.analysis, result.failure = None, failure_of(error, task, attempts)
        except (DeviceError, ModelError):
            raise
        except Exception as error:  # noqa: BLE001 - one video never stops the others
            result.analysis, result.failure = None, failure_of(error, task, attempts)

    def _tables(self, task: VideoTask, job: ShardJob, result: _Result, attempts: int) -> dict[str, pa.Table]:
        origin = self._origin(revision=job.revision, shard=job.shard, committed_at=time_after(result.before_at))
        if result.analysis is not None:
            try:
                failures = result.stage_failures
                return video_tables(task, result.analysis, replace(origin, stages=_made(job, result)), failures)
            except LakeError as error:
                # The results violate a table's schema. That is a bug of ours, but it only costs this video.
                result.analysis, result.failure = None, failure_of(error, task, attempts)
        assert result.failure is not None  # noqa: S101 - there is either an analysis or a failure
        return failure_tables(task, result.failure, result.info, replace(origin, stages=_tried(job, result)))


def _where_analysed(task: VideoTask, before: _Before) -> VideoTask:
    """Return a video with the location where it was analysed first, if it is still there."""
    if before.uri not in task.uris:
        return task
    others = (uri for uri in task.uris if uri != before.uri)
    return replace(task, uris=(before.uri, *others), mtime_ns=before.mtime_ns)


def _made(job: ShardJob, result: _Result) -> tuple[StageState, ...]:
    """Return what each stage of a video was made with. A stage that failed keeps the results that it had."""
    assert result.analysis is not None  # noqa: S101 - the caller knows
    states = {state.name: state for state in result.before}
    for stage in result.stages:
        error = result.analysis.failed.get(stage)
        if error is None:
            states[stage] = StageState(stage, job.revision_of(stage))
        else:
            old = states.get(stage)
            states[stage] = StageState(stage, old.revision if old else job.revision_of(stage), kind_of(error))
    return tuple(states[stage] for stage in STAGES if stage in states)


def _tried(job: ShardJob, result: _Result) -> tuple[StageState, ...]:
    """Return the stages in which a failed video failed: with their settings, it would fail again."""
    assert result.failure is not None  # noqa: S101 - the caller knows
    tried = [stage for stage in STAGES if stage in result.stages]
    reading = [stage for stage in tried if stage in DECODING]
    return tuple(StageState(stage, job.revision_of(stage), result.failure.kind) for stage in reading or tried)


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
    failed = bool(errors) and videos[0]["status"] == "failed"
    names = ("status", "duration_s", "language", "shots", "frames", "utterances", "words")
    return VideoOutcome(
        **_outcome_keys(task),
        **{name: videos[0][name] for name in names},
        timings_s=dict(videos[0]["timings_s"]),
        stages=task.stages,
        headline=summaries[0]["headline"] if summaries else "",
        error_kind=errors[0]["kind"] if failed else "",
        error_message=errors[0]["message"] if failed else "",
        stage_errors={} if failed else {each["stage"]: each["message"] for each in errors},
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


def _subtitles_changed(uri: str, before: Analysis) -> bool:
    """Return whether the subtitle files beside a local video are others than at its last analysis."""
    if local_path(uri) is None:
        return False
    now = {(well_formed(file.name), file.size_bytes, file.mtime_ns) for file in find_sidecars(uri)}
    return now != {(file.name, file.size_bytes, file.mtime_ns) for file in before.subtitle_files}


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
    stages = tuple(stage for stage in STAGES if stage in result.stages)
    if analysis is None:
        kind, message = (failure.kind, failure.message) if failure else ("", "")
        return VideoOutcome(status="failed", error_kind=kind, error_message=message, stages=stages, **common)
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
        stages=stages,
        stage_errors={each.stage: each.message for each in result.stage_failures},
        **common,
    )


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
