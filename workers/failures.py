"""How a video that cannot be analysed becomes a row in `errors`.

Every failure of a video is made here. A step raises `MediaError` with its kind, stage and message. Any other exception
is a lack of memory or a bug. `VideoWorker` catches both and stages the failure with `pipeline.lake.failure_tables`.
"""

import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from schemas.config import LimitsConfig
from schemas.errors import ErrorKind, MediaError
from schemas.records import Failure, VideoTask


def failure_of(error: Exception, task: VideoTask, attempts: int) -> Failure:
    """Return the failure of a video whose analysis raised an error.

    Args:
        error: What was raised.
        task: The video.
        attempts: Attempts so far, including this one.
    """
    if isinstance(error, MediaError):
        return Failure(error.stage, error.kind, str(error), "", attempts)
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        message = f"{task.uris[0]} needs more memory than there is. Use fewer workers, or lower limits.max_pixels."
        return Failure("worker", ErrorKind.OUT_OF_MEMORY, message, trace, attempts)
    message = f"{task.uris[0]}: unexpected {type(error).__name__}: {error}. Please report it with the traceback."
    return Failure("worker", ErrorKind.INTERNAL, message, trace, attempts)


def failure_of_attempts(task: VideoTask, earlier: Sequence[datetime], limits: LimitsConfig) -> Failure | None:
    """Return the failure of a video that has ended its worker too often or for too long, None to try it again.

    Args:
        task: The video.
        earlier: When each earlier attempt started that ended with its worker.
        limits: `timeout_s` and `max_attempts`.
    """
    if earlier and (datetime.now(UTC) - earlier[0]).total_seconds() >= limits.timeout_s:
        message = f"It hung for longer than limits.timeout_s = {limits.timeout_s:g} s, and its worker was ended."
    elif len(earlier) >= limits.max_attempts:
        message = (
            f"Its worker died in each of {len(earlier)} attempts, from a crash in native code or a lack of memory. "
            "Check the worker's log. A lower limits.max_pixels or fewer workers may help."
        )
    else:
        return None
    kind = ErrorKind.CRASHED if len(earlier) >= limits.max_attempts else ErrorKind.TIMEOUT
    return Failure("worker", kind, f"{task.uris[0]}: {message}", "", len(earlier))
