"""`VideoWorker` as a Ray actor: it loads its models once, takes videos, and answers with outcomes.

What a worker raises would reach the driver as a long traceback of Ray's. So errors that the driver acts on are returned
as values.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import Protocol

from schemas.config import Config
from schemas.errors import ConfigurationError, DeviceError, LakeError, ModelError, VideolakeError
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from schemas.stages import Stage
from workers.job import RunJob, ShardJob
from workers.positions import Position, PositionWriter


class Worker(Protocol):
    """What analyses videos: `VideoWorker`, or a replacement in benchmarks."""

    def work(self, task: VideoTask, job: ShardJob) -> VideoOutcome:
        """Analyse a video and stage its rows."""
        ...


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
    """A worker process. Ray calls it from as many threads as it analyses videos at once."""

    def __init__(self) -> None:
        # Log records reach the flow with the outcome; on the worker's stderr they would appear twice.
        logging.getLogger("videolake").addHandler(logging.NullHandler())
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._job: RunJob | None = None
        self._worker: Worker | None = None
        self._loading = threading.Lock()

    def warm_up(self, config: Config, threads: int, stages: Sequence[Stage]) -> None:
        """Import what the analysis needs, and load models, while there is no work. If that fails, `prepare` says why.

        Args:
            config: The whole configuration.
            threads: Threads of each model.
            stages: The stages whose models are loaded.
        """
        from workers.lean_imports import import_lean_torch, keep_pandas_out, polite_threads, without_garbage_collection

        with self._loading, suppress(Exception), without_garbage_collection(), polite_threads():
            keep_pandas_out(config)
            import_lean_torch(config)
            from workers import video_worker as _imported  # noqa: F401
            from workers.loading import load_ahead

            if stages and self._job is None:
                load_ahead(config, threads, stages)

    def start(self) -> Started:
        """Return where this process runs. Nothing is loaded yet."""
        import ray

        return Started(ray.get_runtime_context().get_node_id(), self._name, installed_version())

    def prepare(self, job: RunJob, threads: int, make_worker: MakeWorker, pool: str) -> VideolakeError | None:
        """Compare the models with those of the run, and load them.

        Args:
            job: The run.
            threads: Threads of the decoder and of each model.
            make_worker: Makes the worker.
            pool: Id of the pool that shows its positions.

        Returns:
            Why this worker cannot analyse anything, or None.
        """
        with self._loading:
            try:
                _check_models(job)
                self._job, self._worker = job, make_worker(job, threads, PositionWriter(pool, self._name))
            except (ModelError, ConfigurationError, DeviceError) as error:
                return _from_here(error)
        return None

    def analyse(self, task: VideoTask, shard: str, *, shared: bool) -> VideoOutcome | Exception:
        """Analyse a video of a shard.

        Args:
            task: The video.
            shard: Id of its shard.
            shared: Whether other videos may be analysed here at the same time.

        Returns:
            The outcome, or the error that keeps this worker, or all workers, from analysing it.
        """
        assert self._job is not None  # noqa: S101 - the pool calls `prepare` first
        assert self._worker is not None  # noqa: S101 - as above
        try:
            return self._worker.work(task, self._job.of_shard(shard, shared=shared))
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
