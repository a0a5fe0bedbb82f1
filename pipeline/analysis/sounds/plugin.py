"""Sound models from plug-ins."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.models import OutputCheck, SoundModel, make_plugin
from schemas.errors import ModelError

_MIN_WINDOW_S, _MAX_WINDOW_S = 0.4, 60.0


class PluginScorer:
    """A plug-in model. Its output is checked, so that an error names the plug-in.

    Args:
        model_id: `plugin:<name>` or `python:package.module:Factory`.
        device: `cpu` or `cuda`.
        threads: Threads it may use.

    Raises:
        ModelError: The model cannot be made, has no classes, or wants windows that are too short or too long.
    """

    def __init__(self, model_id: str, *, device: str, threads: int) -> None:
        self._check = OutputCheck("sounds.model", model_id)
        self._model = make_plugin("sounds", model_id, SoundModel, device=device, threads=threads)
        names = self._check.label_names(self._model.label_names)
        self.labels = tuple(name.strip().lower() for name in names)
        twice = [name for name, count in Counter(self.labels).items() if count > 1]
        if twice:
            raise ModelError(f"sounds.model: {model_id} has several classes with the name {twice[0]}.")
        try:
            self.window_s = float(self._model.window_s)
        except (TypeError, ValueError):
            self.window_s = 0.0
        if not _MIN_WINDOW_S <= self.window_s <= _MAX_WINDOW_S:
            raise ModelError(
                f"sounds.model: {model_id} has the window_s {self._model.window_s!r}; it must be from "
                f"{_MIN_WINDOW_S:g} to {_MAX_WINDOW_S:g} seconds."
            )

    def score(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return (n, classes), 0 to 1.

        Raises:
            ModelOutputError: The model returned another shape, or something else than probabilities.
        """
        return self._check.scores(self._model.score(windows), (len(windows), len(self.labels)), "probabilities")
