"""Speaker encoder: sound in, unit vectors out that are near each other where the same person speaks."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.speakers.campplus import CamPlusPlus
from pipeline.analysis.speakers.features import filterbank
from pipeline.analysis.speakers.weights import load_weights
from pipeline.models import (
    LOAD_ERRORS,
    ModelInfo,
    SpeakerModel,
    bf16_is_native,
    is_plugin,
    make_plugin,
    resolve,
    set_threads,
)
from schemas.errors import ModelError

WINDOW_SAMPLES = 24_000
"""Sound that makes one vector: 1.5 s, as in the published recipe for diarization."""
BATCH = 32
"""Windows at once; fewer take longer each."""


class SpeakerEncoder:
    """A CAM++ network, or a model of a user's own package. One thread at a time.

    Args:
        model_id: `embedded:campplus`; a folder or file with weights of CAM++ as 3D-Speaker publishes them; `plugin:` or
            `python:`, see `pipeline.models.protocols.SpeakerModel`.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: The model is not there, or is no CAM++ of 192 dimensions.
    """

    def __init__(self, model_id: str, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("speakers", model_id)
        self._model: SpeakerModel
        if is_plugin(model_id):
            self._model = make_plugin("speakers", model_id, SpeakerModel, device=device, threads=threads)
        else:
            self._model = _CamPlusPlusModel(self.info, device)

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Encode windows of speech.

        Args:
            windows: (`WINDOW_SAMPLES`,) float32 each, in [-1, 1] at 16 kHz.

        Returns:
            (n, d) float32 of unit length.

        Raises:
            ModelError: A user's model returned another shape, or values that are not finite.
        """
        vectors = np.asarray(self._model.encode(windows), np.float32)
        if vectors.ndim != 2 or len(vectors) != len(windows) or not np.isfinite(vectors).all():
            raise ModelError(
                f"speakers.model: {self.info.id} returned vectors of shape {vectors.shape} for {len(windows)} windows; "
                "a row of finite values each is wanted."
            )
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


class _CamPlusPlusModel:
    def __init__(self, info: ModelInfo, device: str) -> None:
        network = CamPlusPlus()
        try:
            load_weights(network, info.path)
        except LOAD_ERRORS as error:
            raise ModelError(
                f"speakers.model: {info.id} ({info.path}) holds no weights of CAM++ with 192 dimensions: {error}"
            ) from error
        # Twice as fast as float32 where the processor has it, at a cosine of 0.999 to it.
        self._dtype = torch.bfloat16 if bf16_is_native(device) else torch.float32
        self._device = device
        self._network = network.eval().to(device, self._dtype)

    @torch.inference_mode()
    def encode(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        vectors = []
        for first in range(0, len(windows), BATCH):
            features = torch.from_numpy(filterbank(np.stack(windows[first : first + BATCH])))
            vectors.append(self._network(features.to(self._device, self._dtype)).float().cpu().numpy())
        return np.concatenate(vectors)
