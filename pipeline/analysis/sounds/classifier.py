"""The sound classifier: the embedded network, or a model of transformers by folder or Hub id."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.sounds.fsmn import Fsmn, FsmnModel, load_fsmn
from pipeline.analysis.sounds.hub import Tagger, load_tagger
from pipeline.analysis.sounds.plugin import PluginScorer
from pipeline.analysis.sounds.session import SoundModel, SoundSession
from pipeline.models import (
    EMBEDDED_PREFIX,
    LOAD_ERRORS,
    ModelInfo,
    batch_size,
    is_plugin,
    resolve,
    runs_on,
    set_threads,
)
from schemas.config import SoundsConfig
from schemas.errors import ModelError
from schemas.media import SAMPLE_RATE_HZ


class SoundClassifier:
    """Scores audio by what is heard. Use it from one thread at a time.

    Args:
        config: The `sounds` section. Its model is `embedded:firered-aed`; a folder or Hub id of an audio classifier,
            such as AST, or of a CLAP model; or a plug-in, see `pipeline.models.protocols.SoundModel`.
        device: `cpu` or `cuda`.
        threads: PyTorch threads in this process.

    Raises:
        ModelError: The model cannot be found or loaded.
    """

    def __init__(self, config: SoundsConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self._config = config
        self.info: ModelInfo = resolve("sounds", config.model)
        self._model: SoundModel
        if config.model.startswith(EMBEDDED_PREFIX):
            self._model = FsmnModel(_embedded(self.info), device)
            self.runs_on = runs_on(device, "float32")
            """Device, precision and windows at once, for the log."""
        else:
            self._model = tagger = _tagger(self.info, config, device, threads)
            self.runs_on = tagger.runs_on

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes."""
        return self._model.labels

    def session(self) -> SoundSession:
        """Start an audio track."""
        return SoundSession(self._model, self._config.min_score)

    def check(self) -> NDArray[np.float32]:
        """Score a second of noise, to see whether the model works."""
        stream = self._model.stream()
        noise = np.random.default_rng(0).normal(0.0, 0.1, SAMPLE_RATE_HZ).astype(np.float32)
        return np.concatenate([stream.add(noise), stream.finish()])


def _tagger(info: ModelInfo, config: SoundsConfig, device: str, threads: int) -> Tagger:
    if not is_plugin(config.model):
        return load_tagger(info, config, device=device)
    scorer = PluginScorer(config.model, device=device, threads=threads)
    batch = batch_size("sounds", config.batch_size, device)
    return Tagger(scorer, batch, device, precision="plug-in", window_s=scorer.window_s)


def _embedded(info: ModelInfo) -> Fsmn:
    try:
        return load_fsmn(info.path)
    except LOAD_ERRORS as error:
        raise ModelError(f"sounds.model: {info.id} ({info.path}) cannot be loaded: {error}.") from error
