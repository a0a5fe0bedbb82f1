"""Sound models from transformers, by folder or Hub id: audio classifiers such as AST, and CLAP by names of sounds."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.sounds.names import SOUND_NAMES
from pipeline.models import (
    LOAD_ERRORS,
    LOAD_OPTIONS,
    BatchSize,
    ModelInfo,
    batch_size,
    load_pretrained,
    quiet_transformers,
    runs_on,
)
from schemas.config import SoundsConfig
from schemas.errors import ModelError
from schemas.media import SAMPLE_RATE_HZ
from schemas.records import SILENCE_LABEL

WINDOW_S = 10.0
"""Most models of AudioSet were trained on clips of ten seconds."""
OVERLAP = 4
"""Windows that hear each moment: a row is a quarter of a window, and has the mean of their scores."""
_PROMPT = "This is a sound of {}."
"""The prompt of the CLAP paper (Elizalde et al., 2023; Wu et al., 2023)."""

Windows = Sequence[NDArray[np.float32]]


class Scorer(Protocol):
    """A model that scores windows of audio."""

    @property
    def labels(self) -> Sequence[str]:
        """Name of each class."""

    def score(self, windows: Windows) -> NDArray[np.float32]:
        """Return (n, classes), 0 to 1."""


class Tagger:
    """A model that scores windows, of ten seconds unless it is a plug-in that wants others.

    Args:
        scorer: The model.
        batch: Windows at once.
        device: `cpu` or `cuda`.
        precision: For the log.
        window_s: Seconds of a window.
    """

    def __init__(
        self, scorer: Scorer, batch: int, device: str, *, precision: str = "float32", window_s: float = WINDOW_S
    ) -> None:
        self._scorer = scorer
        self.row_samples = int(window_s * SAMPLE_RATE_HZ) // OVERLAP
        # Silence is measured, which is more exact than what a model says about it.
        self._kept = [index for index, label in enumerate(scorer.labels) if label != SILENCE_LABEL]
        self.labels = tuple(scorer.labels[index] for index in self._kept)
        self._batch = BatchSize("sounds", batch, device)
        self.runs_on = runs_on(device, precision, batch)

    @property
    def batch(self) -> int:
        """Windows scored at once."""
        return self._batch.size

    def stream(self) -> "TaggerStream":
        """Start a track."""
        return TaggerStream(self)

    def score(self, windows: Windows) -> NDArray[np.float32]:
        """Return the scores of windows, (n, classes)."""
        scores = np.concatenate([found for _, found in self._batch.batches(windows, self._scorer.score)])
        return np.asarray(scores[:, self._kept], np.float32)


class TaggerStream:
    """Scores one track in overlapping windows. A row gets the mean of the windows that hear it."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._audio = np.zeros(0, np.float32)
        self._windows: list[NDArray[np.float32]] = []
        self._scores = np.zeros((0, len(tagger.labels)), np.float32)
        """Of the windows that rows may still need, one row each."""
        self._first = 0
        """Number of the first of these windows in the track."""
        self._done = 0
        """Rows that were returned."""

    def add(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add samples, and return the rows that are final now, (rows, classes)."""
        self._audio = np.concatenate([self._audio, samples])
        step = self._tagger.row_samples
        while len(self._audio) >= OVERLAP * step:
            self._windows.append(self._audio[: OVERLAP * step])
            self._audio = self._audio[step:]
        if len(self._windows) < self._tagger.batch:
            return self._rows(0)
        self._score()
        return self._rows(self._scored - self._done)

    def finish(self) -> NDArray[np.float32]:
        """Return the remaining rows."""
        step = self._tagger.row_samples
        if not self._scored and not self._windows:
            if not len(self._audio):
                return self._rows(0)
            rows = -(-len(self._audio) // step)
            # A short track is one window, padded with silence as models expect.
            self._windows.append(np.pad(self._audio, (0, OVERLAP * step - len(self._audio))))
        else:
            # Less than a window is left, of which all but the last part was heard by the windows before.
            left = len(self._audio) - (OVERLAP - 1) * step
            rows = self._scored + len(self._windows) + OVERLAP - 1 + (left > 0)
            if left > 0:
                self._windows.append(np.pad(self._audio, (0, step - left)))
        if self._windows:
            self._score()
        return self._rows(rows - self._done)

    @property
    def _scored(self) -> int:
        """Windows of the track that are scored."""
        return self._first + len(self._scores)

    def _score(self) -> None:
        scored = self._tagger.score(self._windows)
        needed = max(self._first, self._done - OVERLAP + 1)
        self._scores = np.concatenate([self._scores[needed - self._first :], scored])
        self._first, self._windows = needed, []

    def _rows(self, count: int) -> NDArray[np.float32]:
        """Return the next rows: the means of the windows that hear them."""
        rows = range(self._done, self._done + count)
        self._done += count
        heard = [(max(0, row - OVERLAP + 1) - self._first, min(row + 1, self._scored) - self._first) for row in rows]
        means = [self._scores[start:end].mean(axis=0) for start, end in heard]
        return np.stack(means) if means else self._scores[:0]


class _Classifier:
    """AST (Gong et al. 2021), and other classifiers of audio."""

    def __init__(self, model: Any, extractor: Any) -> None:  # noqa: ANN401 - transformers' classes are chosen at run time
        self._model, self._extractor = model, extractor
        names = model.config.id2label
        if not names:
            raise ValueError("its config.json names no classes (id2label)")
        self.labels = tuple(str(names[index]).split(",")[0].strip().lower() for index in range(len(names)))
        # Sounds happen together, so classes exclude each other only if the model says so.
        self._exclusive = model.config.problem_type == "single_label_classification"

    @torch.inference_mode()
    def score(self, windows: Windows) -> NDArray[np.float32]:
        rate = self._extractor.sampling_rate
        inputs = self._extractor(_resampled(windows, rate), sampling_rate=rate, return_tensors="pt")
        logits = self._model(**inputs.to(self._model.device)).logits.float()
        scores = logits.softmax(dim=-1) if self._exclusive else logits.sigmoid()
        return np.asarray(scores.cpu().numpy(), np.float32)


class _ZeroShot:
    """CLAP (Elizalde et al. 2023; Wu et al. 2023): audio is compared with names of sounds."""

    def __init__(self, model: Any, extractor: Any, tokenizer: Any, names: Sequence[str]) -> None:  # noqa: ANN401
        self._model, self._extractor = model, extractor
        self.labels = tuple(names)
        texts = tokenizer([_PROMPT.format(name) for name in names], padding=True, return_tensors="pt")
        with torch.inference_mode():
            self._names = _features(model.get_text_features(**texts.to(model.device)))

    @torch.inference_mode()
    def score(self, windows: Windows) -> NDArray[np.float32]:
        rate = self._extractor.sampling_rate
        inputs = self._extractor(_resampled(windows, rate), sampling_rate=rate, return_tensors="pt")
        if "is_longer" in inputs:
            # The extractor marks a window at random if none is longer than the model reads, and none is.
            inputs["is_longer"] = torch.zeros_like(torch.as_tensor(inputs["is_longer"]), dtype=torch.bool)
        heard = _features(self._model.get_audio_features(**inputs.to(self._model.device)))
        similarity = (heard @ self._names.T) * self._model.logit_scale_a.float().exp()
        return np.asarray(similarity.softmax(dim=-1).cpu().numpy(), np.float32)


def load_tagger(info: ModelInfo, config: SoundsConfig, *, device: str) -> Tagger:
    """Load a sound model with transformers.

    Args:
        info: The model.
        config: Batch size, and the names of sounds for a CLAP model.
        device: `cpu` or `cuda`.

    Raises:
        ModelError: It is damaged, or not an audio classifier or CLAP model.
    """
    from transformers import (
        AutoConfig,
        AutoFeatureExtractor,
        AutoModelForAudioClassification,
        AutoTokenizer,
        ClapModel,
    )

    try:
        with quiet_transformers():
            about = AutoConfig.from_pretrained(info.path, **LOAD_OPTIONS)
            extractor = AutoFeatureExtractor.from_pretrained(info.path, **LOAD_OPTIONS)
            scorer: Scorer
            if about.model_type == "clap":
                model = load_pretrained(ClapModel, info.path).eval().to(device)
                tokenizer = AutoTokenizer.from_pretrained(info.path, **LOAD_OPTIONS)
                scorer = _ZeroShot(model, extractor, tokenizer, config.names or SOUND_NAMES)
            else:
                model = load_pretrained(AutoModelForAudioClassification, info.path).eval().to(device)
                scorer = _Classifier(model, extractor)
        tagger = Tagger(scorer, batch_size("sounds", config.batch_size, device), device)
        tagger.score([np.zeros(OVERLAP * tagger.row_samples, np.float32)])
    except LOAD_ERRORS as error:
        raise ModelError(
            f"sounds.model: {info.id} ({info.path}) cannot be loaded as a sound model: {error}. It must be a folder "
            "that transformers' AutoModelForAudioClassification or ClapModel reads, with its feature extractor."
        ) from error
    return tagger


def _features(output: Any) -> torch.Tensor:  # noqa: ANN401 - a tensor, or an output that holds it
    vectors: torch.Tensor = getattr(output, "pooler_output", output).float()
    return torch.nn.functional.normalize(vectors, dim=-1)


def _resampled(windows: Windows, rate_hz: int) -> list[NDArray[np.float32]]:
    if rate_hz == SAMPLE_RATE_HZ:
        return list(windows)
    from scipy.signal import resample_poly  # importing it takes a second, and most models listen at our rate

    return [np.asarray(resample_poly(window, rate_hz, SAMPLE_RATE_HZ), np.float32) for window in windows]
