"""Checks of what a plug-in returns. An error names the plug-in and what it did, so that no wrong row is written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ModelError, ModelOutputError

_ROUNDING = 1e-3
"""Scores computed in 16 bits may be outside of 0 to 1 by so much."""


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """Checks the output of one plug-in."""

    setting: str
    """The setting that names it, such as `vision.model`."""
    model_id: str

    def label_names(self, names: object) -> tuple[str, ...]:
        """Return the names of classes as strings.

        Raises:
            ModelError: There are none, or one is no string or empty.
        """
        found = tuple(names) if isinstance(names, Sequence | np.ndarray) and not isinstance(names, str) else ()
        if not found or not all(isinstance(name, str) and name.strip() for name in found):
            raise ModelError(
                f"{self.setting}: {self.model_id} has the label_names {names!r:.200}; expected a sequence of names."
            )
        return tuple(str(name) for name in found)

    def one_each(self, values: object, count: int, what: str, inputs: str) -> list[object]:
        """Return one result for each input.

        Args:
            values: What was returned: a sequence of results.
            count: Number of inputs.
            what: Plural of a result, for the message.
            inputs: Plural of an input, for the message.

        Raises:
            ModelOutputError: It is no sequence, or has another length.
        """
        found = list(values) if isinstance(values, Sequence | np.ndarray) and not isinstance(values, str) else None
        if found is None or len(found) != count:
            got = f"{type(values).__name__} for" if found is None else f"{len(found)} {what} for"
            raise self.error(f"{got} {count} {inputs}; expected one for each")
        return found

    def array(self, values: object, shape: tuple[int | None, ...], what: str) -> NDArray[np.float32]:
        """Return values as an array of float32.

        Args:
            values: What was returned.
            shape: The expected shape; None where any length will do.
            what: Plural of the values, for the message.

        Raises:
            ModelOutputError: They have another shape, or are not finite.
        """
        expected = str(shape).replace("None", "n")
        try:
            array = np.array(values, np.float32)
        except (TypeError, ValueError) as error:
            raise self.error(f"{what} that are no array of shape {expected}: {error}") from error
        fits = array.ndim == len(shape) and all(
            size is None or size == found for size, found in zip(shape, array.shape, strict=True)
        )
        if not fits:
            raise self.error(f"{what} of shape {array.shape}; expected shape {expected}")
        if not np.isfinite(array).all():
            raise self.error(f"{what} that are not finite")
        return array

    def scores(self, values: object, shape: tuple[int | None, ...], what: str) -> NDArray[np.float32]:
        """Return scores from 0 to 1; see `array`.

        Raises:
            ModelOutputError: They have another shape, or are outside of that range.
        """
        found = self.array(values, shape, what)
        if found.size and not (found.min() >= -_ROUNDING and found.max() <= 1.0 + _ROUNDING):
            raise self.error(
                f"{what} from {found.min():g} to {found.max():g}; they must be from 0 to 1. Are they logits? Return "
                "their softmax or sigmoid"
            )
        return np.clip(found, 0.0, 1.0)

    def error(self, problem: str) -> ModelOutputError:
        """Return the error that says what was returned."""
        return ModelOutputError(f"{self.setting}: {self.model_id} returned {problem}.")
