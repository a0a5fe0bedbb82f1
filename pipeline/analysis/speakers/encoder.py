"""Speaker encoder: speech in, unit vectors out that are similar if the same person speaks."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.filterbank import filterbank
from pipeline.analysis.speakers.campplus import CamPlusPlus
from pipeline.analysis.speakers.weights import load_weights
from pipeline.models import (
    LOAD_ERRORS,
    BatchSize,
    ModelInfo,
    OutputCheck,
    SpeakerModel,
    bf16_is_native,
    is_plugin,
    make_plugin,
    resolve,
    runs_on,
    set_threads,
)
from schemas.errors import ModelError

WINDOW_SAMPLES = 24_000
"""Audio for one vector: 1.5 s, as in the published recipe for diarization."""
BATCH = 32
"""Windows per batch. Smaller batches are slower per window."""


class SpeakerEncoder:
    """A CAM++ network or a plug-in. Use it from one thread at a time.

    Args:
        model_id: `embedded:campplus`; a folder or file with CAM++ weights as 3D-Speaker publishes them; or a plug-in
            (`plugin:`, `python:`), see `pipeline.models.protocols.SpeakerModel`.
        device: `cpu` or `cuda`.
        threads: PyTorch threads in this process.

    Raises:
        ModelError: The model cannot be found, or is not CAM++ with 192 dimensions.
    """

    def __init__(self, model_id: str, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("speakers", model_id)
        self._model: SpeakerModel
        if is_plugin(model_id):
            self._model = make_plugin("speakers", model_id, SpeakerModel, device=device, threads=threads)
            self.runs_on = runs_on(device, "plug-in")
            """Device, precision and windows at once, for the log."""
        else:
            self._model = _CamPlusPlusModel(self.info, device)
            self.runs_on = self._model.runs_on

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Encode windows of speech.

        Args:
            windows: (`WINDOW_SAMPLES`,) float32 each, in [-1, 1] at 16 kHz.

        Returns:
            (n, d) float32 of unit length.

        Raises:
            ModelOutputError: A plug-in returned another shape, or values that are not finite.
        """
        check = OutputCheck("speakers.model", self.info.id)
        vectors = check.array(self._model.encode(windows), (len(windows), None), "vectors")
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
        # Where the processor supports it, bfloat16 is twice as fast as float32, with a cosine of 0.999 to its vectors.
        self._dtype = torch.bfloat16 if bf16_is_native(device) else torch.float32
        self._device = device
        self._batch = BatchSize("speakers", BATCH, device)
        self.runs_on = runs_on(device, self._dtype, BATCH)
        self._network = network.eval().to(device, self._dtype)

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate([vectors for _, vectors in self._batch.batches(windows, self._encode)])

    @torch.inference_mode()
    def _encode(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        features = torch.from_numpy(centred(filterbank(np.stack(windows))))
        vectors: NDArray[np.float32] = self._network(features.to(self._device, self._dtype)).float().cpu().numpy()
        return vectors


def centred(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the mean of each band over time: CAM++ was trained on this (https://github.com/modelscope/3D-Speaker).

    Args:
        features: (n, frames, bands).
    """
    return np.asarray(features - features.mean(axis=1, keepdims=True), np.float32)
