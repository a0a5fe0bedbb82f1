"""Use a fine-tuned classifier: on texts, or on a table of a lake."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from pipeline.lake import Lake
from pipeline.models import (
    LOAD_ERRORS,
    LOAD_OPTIONS,
    BatchSize,
    longest_input,
    quiet_transformers,
    resolve,
    set_threads,
)
from schemas.errors import ModelError

Unit = Literal["utterances", "frames", "scenes"]
"""The table whose column `text` is classified."""

_IDS: dict[Unit, tuple[str, ...]] = {
    "utterances": ("video_id", "utterance_id", "start_s", "end_s"),
    "frames": ("video_id", "frame_id", "time_s"),
    "scenes": ("video_id", "scene_index", "start_s", "end_s"),
}
_BATCH_TOKENS = 2048
_MAX_TOKENS = 512
_CHUNK_TEXTS = 8192
"""Number of texts tokenised at once, to limit memory."""


class TextClassifier:
    """A model made by `finetune`, or any sequence classifier that transformers can load.

    Args:
        model_id: Its folder or Hub id.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch.

    Raises:
        ModelError: It cannot be found or loaded, or is not a classifier.
    """

    def __init__(self, model_id: str, *, device: str = "cpu", threads: int = 1) -> None:
        from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

        set_threads(threads)
        self.info = resolve("text", model_id)
        try:
            with quiet_transformers():
                architectures = AutoConfig.from_pretrained(self.info.path, **LOAD_OPTIONS).architectures or ()
                if not any(name.endswith("ForSequenceClassification") for name in architectures):
                    raise ModelError(f"{model_id} is not a classifier. Make one with `videolake bert finetune`.")
                self._tokenizer = AutoTokenizer.from_pretrained(self.info.path, **LOAD_OPTIONS)
                model = AutoModelForSequenceClassification.from_pretrained(
                    self.info.path, dtype=torch.float32, **LOAD_OPTIONS
                )
        except LOAD_ERRORS as error:
            raise ModelError(f"{model_id} cannot be loaded as a classifier: {error}") from error
        self._model = model.eval().to(device)
        names = model.config.id2label
        self.labels: tuple[str, ...] = tuple(str(names[index]) for index in range(len(names)))
        """The classes, in the order of the probabilities."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of each class, (n, classes), in the order of `texts`."""
        return probabilities(self._model, self._tokenizer, texts, max_tokens=_MAX_TOKENS)

    def classify(self, lake: Lake, unit: Unit = "utterances") -> pa.Table:
        """Classify all texts of a table.

        Args:
            lake: The lake.
            unit: The table; rows without text are left out.

        Returns:
            Ids and times, `text`, `label` (the most probable class) and `score` (its softmax probability, not
            calibrated).
        """
        columns = ", ".join(_IDS[unit])
        rows = lake.sql(f"SELECT {columns}, text FROM {unit} WHERE text <> '' ORDER BY ALL")  # noqa: S608 - fixed names
        found = self(rows["text"].to_pylist())
        best = found.argmax(axis=1) if len(found) else np.zeros(0, np.int64)
        labels = pa.array([self.labels[index] for index in best], pa.string())
        scores = pa.array(found[np.arange(len(found)), best], pa.float32())
        return rows.append_column("label", labels).append_column("score", scores)


@torch.inference_mode()
def probabilities(
    model: Any,  # noqa: ANN401 - transformers' classes are chosen at run time
    tokenizer: Any,  # noqa: ANN401
    texts: Sequence[str],
    *,
    max_tokens: int,
) -> NDArray[np.float32]:
    """Return the softmax of a classifier's logits, (n, classes) float32, batched by length.

    Texts are truncated at `max_tokens`, or at the model's own limit if it is lower.
    """
    found = np.zeros((len(texts), model.config.num_labels), dtype=np.float32)
    model.eval()
    size = BatchSize("classification", _BATCH_TOKENS, model.device.type)
    length = min(max_tokens, longest_input(model, tokenizer))

    def compute(batch: Sequence[tuple[int, list[int]]]) -> NDArray[np.float32]:
        inputs = tokenizer.pad({"input_ids": [ids for _, ids in batch]}, return_tensors="pt").to(model.device)
        scores: NDArray[np.float32] = model(**inputs).logits.float().softmax(dim=-1).cpu().numpy()
        return scores

    for start in range(0, len(texts), _CHUNK_TEXTS):
        some = list(texts[start : start + _CHUNK_TEXTS])
        tokens = tokenizer(some, truncation=True, max_length=length)["input_ids"]
        longest_first = sorted(enumerate(tokens, start), key=lambda row: -len(row[1]))
        for batch, scores in size.batches(longest_first, compute, weight=lambda row: len(row[1])):
            found[[index for index, _ in batch]] = scores
    return found
