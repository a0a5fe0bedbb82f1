"""How a video that cannot be analysed becomes a row in `errors`, and what counts as its fault.

Every failure of a video is made here. A step raises `MediaError` with its kind, stage and message, or
`ModelOutputError` if a model is to blame. Any other exception is a lack of memory or a bug. `VideoWorker` catches them
and stages the failure with `pipeline.lake.failure_tables`. A `DeviceError` is the fault of the machine, and never
becomes a failure.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pipeline.models import is_out_of_memory
from schemas.config import LimitsConfig
from schemas.errors import ErrorKind, MediaError, ModelOutputError
from schemas.records import Failure, VideoTask
from schemas.stages import Stage

_MAX_ATTEMPTS = 10
"""So many attempts of any kind end a video: then it is probably the video that breaks nodes and GPUs."""


def failure_of(error: Exception, task: VideoTask, attempts: int) -> Failure:
    """Return the failure of a video whose analysis raised an error.

    Args:
        error: What was raised.
        task: The video.
        attempts: Attempts so far, including this one.
    """
    if isinstance(error, MediaError):
        return Failure(error.stage, error.kind, str(error), "", attempts)
    if isinstance(error, ModelOutputError):
        return Failure("worker", ErrorKind.MODEL, f"{task.uris[0]}: {error}", "", attempts)
    trace = "".join(traceback.format_exception(error))
    if is_out_of_memory(error):
        message = (
            f"{task.uris[0]} needs more memory than there is, even in batches of one. Use fewer workers (or a larger "
            "workers.num_gpus, so that fewer share a GPU), smaller models, or a lower limits.max_pixels."
        )
        return Failure("worker", ErrorKind.OUT_OF_MEMORY, message, trace, attempts)
    message = f"{task.uris[0]}: unexpected {type(error).__name__}: {error}. Please report it with the traceback."
    return Failure("worker", ErrorKind.INTERNAL, message, trace, attempts)


def kind_of(error: Exception) -> ErrorKind:
    """Return the kind of what an analysis raised."""
    if isinstance(error, MediaError):
        return error.kind
    if isinstance(error, ModelOutputError):
        return ErrorKind.MODEL
    return ErrorKind.OUT_OF_MEMORY if is_out_of_memory(error) else ErrorKind.INTERNAL


def failures_of_stages(failed: Mapping[Stage, Exception], task: VideoTask, attempts: int) -> list[Failure]:
    """Return the failures of stages of a video whose other stages succeeded.

    Args:
        failed: What each stage raised. A stage that only lacks the results of another one has the same error.
        task: The video.
        attempts: Attempts so far, including this one.
    """
    first = {id(error): stage for stage, error in reversed(list(failed.items()))}
    own = [stage for stage, error in failed.items() if first[id(error)] == stage]
    return [replace(failure_of(failed[stage], task, attempts), stage=stage) for stage in own]


def failure_of_attempts(
    task: VideoTask, earlier: Sequence[str], limits: LimitsConfig, is_lost: Callable[[str], bool]
) -> Failure | None:
    """Return the failure of a video that has ended its worker too often, None to try it again.

    Args:
        task: The video.
        earlier: Node of each earlier attempt that did not stage the video; empty if it ended for another reason.
        limits: `max_attempts`.
        is_lost: Whether a node has left the cluster, as by pre-emption. That is not held against the video.
    """
    died = sum(bool(node) and not is_lost(node) for node in earlier)
    if died < limits.max_attempts and len(earlier) < max(limits.max_attempts, _MAX_ATTEMPTS):
        return None
    others = "the others lost their node or GPU, or may have ended because of another video"
    lost = f" (of {len(earlier)}; {others})" if died < len(earlier) else ""
    message = (
        f"{task.uris[0]}: Its worker died in {died} attempts{lost}, from a crash in native code or a lack of memory. "
        "Check the worker's log. A lower limits.max_pixels or fewer workers may help."
    )
    return Failure("worker", ErrorKind.CRASHED, message, "", len(earlier))


def failure_of_time(task: VideoTask, limit_s: float, traces: str, attempts: int) -> Failure:
    """Return the failure of a video that hangs in a place where nothing else can end it.

    Args:
        task: The video.
        limit_s: How long it was allowed to take.
        traces: Where each thread was.
        attempts: Attempts so far, including this one.
    """
    message = (
        f"{task.uris[0]}: It was still not done after the {limit_s:.0f} s that limits.timeout_s and "
        "limits.timeout_factor allow, so its worker was ended."
    )
    return Failure("worker", ErrorKind.TIMEOUT, message, traces, attempts)
