"""`VideoWorker` as an actor of Ray Data: a batch holds one video, and what comes back is small."""

import faulthandler
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.run import models_of
from schemas.errors import ConfigurationError, ModelError
from workers.job import ShardJob, task_from_json
from workers.progress_actor import BoardWriter
from workers.video_worker import VideoWorker

_GRACE_S = 60.0
"""Seconds over `limits.timeout_s` after which a worker that hangs, and so cannot stop by itself, is ended."""


class RayVideoWorker:
    """Loads the models once an actor.

    Args:
        job: Where rows belong, and the configuration.
        threads: Threads of the decoder and of each model.
        board: Handle of the `Board` actor.
    """

    def __init__(self, job: ShardJob, threads: int, board: Any) -> None:  # noqa: ANN401 - a Ray actor handle
        # Records reach the flow with the outcome; on a worker's stderr they would be seen twice.
        logging.getLogger("videolake").addHandler(logging.NullHandler())
        self._job = job
        self._worker: VideoWorker | None = None
        self._refusal = ""
        try:
            _check_models(job)
            self._worker = VideoWorker(job.config, threads=threads, position=BoardWriter(board))
        except (ModelError, ConfigurationError) as error:
            # Raised here, Ray would hide it in the death of an actor.
            self._refusal = _refusal(error)

    def __call__(self, batch: dict[str, NDArray[np.object_]]) -> dict[str, list[str]]:
        """Analyse the tasks of a batch, written by `task_to_json`.

        Returns:
            `outcome`, outcomes as JSON; `refusal`, why nothing can be analysed here, else empty.
        """
        outcomes, refusals = [], []
        for text in batch["task"]:
            outcome, refusal = "", self._refusal
            if self._worker is not None:
                try:
                    with _ended_after(self._job.config.limits.timeout_s + _GRACE_S):
                        outcome = self._worker.work(task_from_json(str(text)), self._job).model_dump_json()
                except ModelError as error:
                    refusal = _refusal(error)
            outcomes.append(outcome)
            refusals.append(refusal)
        return {"outcome": outcomes, "refusal": refusals}


def _check_models(job: ShardJob) -> None:
    """Raise where a model is not the one here that it is where the run was planned."""
    here = {(model.role, model.id): model.digest for model in models_of(job.config)} if job.models else {}
    for model in job.models:
        digest = here.get((model.role, model.id))
        if digest != model.digest:
            raise ModelError(
                f"{model.role}: {model.id} has the digest {digest} here and {model.digest} where the run was planned. "
                "Install the same versions on every machine with workers."
            )


def _refusal(error: Exception) -> str:
    return f"{error} (On the machine {socket.gethostname()}.)"


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """End this process, with a traceback on stderr, if the block takes longer: native code can hang for ever."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
