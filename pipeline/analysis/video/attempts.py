"""A stage whose model fails does not cost the results of the others."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.models import device_faults
from schemas.errors import VideolakeError
from schemas.stages import Stage

logger = logging.getLogger(__name__)

StageFailed = Callable[[Stage, Exception], None]
"""Called with a stage that failed, and its error. The analysis goes on without its results, unless this raises."""


class StageAttempts:
    """Runs the stages of one video, and knows which ones have failed.

    Args:
        on_failure: What to do with the error of a stage; None to let it end the analysis.
    """

    def __init__(self, on_failure: StageFailed | None) -> None:
        self._on_failure = on_failure
        self.failed: set[Stage] = set()

    @contextmanager
    def of(self, stage: Stage) -> Iterator[None]:
        """Run a part of a stage.

        Raises:
            VideolakeError: The file, the configuration or the device is at fault, not this stage.
        """
        try:
            with device_faults():
                yield
        except VideolakeError:
            raise
        except Exception as error:
            if self._on_failure is None:
                raise
            self.failed.add(stage)
            self._on_failure(stage, error)
