"""Errors of single stages: what a model raises ends its stage, not the stages that do without its results."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.models import device_faults
from schemas.errors import ModelOutputError, VideolakeError
from schemas.stages import Stage


class StageErrors:
    """Collects the errors of the stages of one video."""

    def __init__(self) -> None:
        self.found: dict[Stage, Exception] = {}
        """The first error of each stage that failed."""

    def __contains__(self, stage: Stage) -> bool:
        """Return whether a stage has failed."""
        return stage in self.found

    @contextmanager
    def apart(self, stage: Stage) -> Iterator[None]:
        """Run a part of a stage. What it raises is kept, and the block ends.

        Errors of the file, of the configuration of a model and of the machine pass: they concern all stages.
        """
        try:
            with device_faults():
                yield
        except ModelOutputError as error:
            self.found.setdefault(stage, error)
        except VideolakeError:
            raise
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            self.found.setdefault(stage, error)
