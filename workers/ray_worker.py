"""`VideoWorker` as a Ray actor: it loads its models once, takes one video after another, and answers with outcomes.

What a worker raises would reach the driver as a long traceback of Ray's. So errors that the driver acts on are returned
as values.
"""

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

from schemas.errors import ConfigurationError, DeviceError, LakeError, ModelError, VideolakeError
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from workers.job import RunJob, ShardJob
from workers.progress_actor import ProgressWriter


class Worker(Protocol):
    """What analyses videos: `VideoWorker`, or a replacement in benchmarks."""

    def work(self, task: VideoTask, job: ShardJob) -> VideoOutcome:
        """Analyse a video and stage its rows."""
        ...


Position = Callable[[str, float], None]
"""Called with a video's id and the seconds of it that are decoded."""
MakeWorker = Callable[[RunJob, int, Position], Worker]
"""Makes a worker from the run's job, the number of threads and what to call with its progress."""


@dataclass(frozen=True, slots=True)
class Started:
    """Where the process of a worker runs."""

    node_id: str
    name: str
    """Host and process id."""
    version: str
    """Version of Videolake there."""


class RayWorker:
    """A worker process.

    Args:
        progress_actor: Handle of the `ProgressActor`.
    """

    def __init__(self, progress_actor: Any) -> None:  # noqa: ANN401 - a Ray actor handle
        # Log records reach the flow with the outcome; on the worker's stderr they would appear twice.
        logging.getLogger("videolake").addHandler(logging.NullHandler())
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._progress = ProgressWriter(progress_actor, self._name)
        self._job: RunJob | None = None
        self._worker: Worker | None = None

    def start(self) -> Started:
        """Return where this process runs. Nothing is loaded yet."""
        import ray

        return Started(ray.get_runtime_context().get_node_id(), self._name, installed_version())

    def prepare(self, job: RunJob, threads: int, make_worker: MakeWorker) -> VideolakeError | None:
        """Compare the models with those of the run, and load them.

        Returns:
            Why this worker cannot analyse anything, or None.
        """
        try:
            _check_models(job)
            self._job, self._worker = job, make_worker(job, threads, self._progress)
        except (ModelError, ConfigurationError, DeviceError) as error:
            return _from_here(error)
        return None

    def analyse(self, task: VideoTask, shard: str) -> VideoOutcome | Exception:
        """Analyse a video of a shard.

        Returns:
            The outcome, or the error that keeps this worker, or all workers, from analysing it.
        """
        assert self._job is not None  # noqa: S101 - the pool calls `prepare` first
        assert self._worker is not None  # noqa: S101 - as above
        try:
            return self._worker.work(task, self._job.of_shard(shard))
        except (ModelError, DeviceError) as error:
            return _from_here(error)
        except (LakeError, OSError) as error:
            return error


def video_worker(job: RunJob, threads: int, position: Position) -> Worker:
    """Make the real worker. Its imports take seconds, and only workers need them."""
    from workers.machine import ray_machine
    from workers.video_worker import VideoWorker

    machine = ray_machine()
    return VideoWorker(job.config, threads=threads, position=position, machine=machine, expected=job.expected)


def installed_version() -> str:
    """Return the version of Videolake in this process."""
    return metadata.version("videolake")


def _check_models(job: RunJob) -> None:
    """Raise `ModelError` if the analysis or a model differs from that of the process that planned the run."""
    if not job.models:
        return
    from pipeline.run import models_of, revision_of

    found = models_of(job.config)
    here = {(model.role, model.id): model.digest for model in found}
    for model in job.models:
        digest = here.get((model.role, model.id))
        if digest != model.digest:
            raise ModelError(
                f"{model.role}: {model.id} has the digest {digest} here but {model.digest} where the run was planned. "
                "Install the same versions on every machine that runs workers."
            )
    if revision_of(job.config, found) != job.revision:
        raise ModelError(
            "The analysis differs from the one where the run was planned. "
            "Install the same version of Videolake on every machine that runs workers."
        )


def _from_here(error: VideolakeError) -> VideolakeError:
    return type(error)(f"{error} (On the machine {socket.gethostname()}.)")
