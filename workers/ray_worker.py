"""`VideoWorker` as a Ray Data actor: each batch is one video, and only its small outcome is sent back."""

import logging
import socket
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.run import models_of
from schemas.errors import ConfigurationError, ModelError
from workers.job import ShardJob, task_from_json
from workers.machine import ray_machine
from workers.progress_actor import ProgressWriter
from workers.video_worker import VideoWorker


class RayVideoWorker:
    """Loads the models once per actor.

    Args:
        job: The shard, the lake and the configuration.
        threads: Threads of the decoder and of each model.
        progress_actor: Handle of the `ProgressActor`.
    """

    def __init__(self, job: ShardJob, threads: int, progress_actor: Any) -> None:  # noqa: ANN401 - a Ray actor handle
        # Log records reach the flow with the outcome; on the worker's stderr they would appear twice.
        logging.getLogger("videolake").addHandler(logging.NullHandler())
        self._job = job
        self._worker: VideoWorker | None = None
        self._refusal = ""
        try:
            _check_models(job)
            position = ProgressWriter(progress_actor)
            self._worker = VideoWorker(job.config, threads=threads, position=position, machine=ray_machine())
        except (ModelError, ConfigurationError) as error:
            # If raised here, Ray would report only that an actor died.
            self._refusal = _refusal(error)

    def __call__(self, batch: dict[str, NDArray[np.object_]]) -> dict[str, list[str]]:
        """Analyse the tasks of a batch.

        Args:
            batch: Tasks in the column `task`, written by `task_to_json`.

        Returns:
            Columns `outcome`, the outcomes as JSON, and `refusal`, why this worker cannot analyse anything, or empty.
        """
        outcomes, refusals = [], []
        for text in batch["task"]:
            outcome, refusal = "", self._refusal
            if self._worker is not None:
                try:
                    outcome = self._worker.work(task_from_json(str(text)), self._job).model_dump_json()
                except ModelError as error:
                    refusal = _refusal(error)
            outcomes.append(outcome)
            refusals.append(refusal)
        return {"outcome": outcomes, "refusal": refusals}


def _check_models(job: ShardJob) -> None:
    """Raise `ModelError` if a model differs from the one found where the run was planned."""
    here = {(model.role, model.id): model.digest for model in models_of(job.config)} if job.models else {}
    for model in job.models:
        digest = here.get((model.role, model.id))
        if digest != model.digest:
            raise ModelError(
                f"{model.role}: {model.id} has the digest {digest} here but {model.digest} where the run was planned. "
                "Install the same versions on every machine that runs workers."
            )


def _refusal(error: Exception) -> str:
    return f"{error} (On the machine {socket.gethostname()}.)"
