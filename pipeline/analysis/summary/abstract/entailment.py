"""Entailment: a natural language inference model tells whether one text follows from another."""

from collections.abc import Sequence
from typing import Any

import torch

from pipeline.models import (
    LOAD_ERRORS,
    LOAD_OPTIONS,
    BatchSize,
    ModelInfo,
    batch_size,
    longest_input,
    quiet_transformers,
    resolve,
    set_threads,
)
from schemas.config import SummaryConfig
from schemas.errors import ModelError

_MAX_TOKENS = 512


class EntailmentModel:
    """A sequence classifier with a label for entailment, such as those trained on MNLI. Not thread-safe.

    Args:
        config: The `summary` section; `nli_model` must be set.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: The model is missing, cannot be loaded, or has no label for entailment.
    """

    def __init__(self, config: SummaryConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("nli", config.nli_model or "")
        self._device = device
        self._batch = BatchSize("nli", batch_size("nli", config.batch_size, device), device)
        self._model, self._tokenizer = _load(self.info, device)
        labels = {int(index): str(name).lower() for index, name in self._model.config.id2label.items()}
        entails = [index for index, name in labels.items() if name.startswith("entail")]
        if len(entails) != 1:
            named = ", ".join(labels.values())
            raise ModelError(
                f"summary.nli_model: {self.info.id} must have exactly one label for entailment; it has {named}."
            )
        self._entails = entails[0]

    def entailment(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return the probability that the hypothesis of each pair follows from its premise.

        Args:
            pairs: Premise and hypothesis; a premise that is too long for the model is truncated.
        """
        return [probability for _, found in self._batch.batches(pairs, self._entailment) for probability in found]

    @torch.inference_mode()
    def _entailment(self, batch: Sequence[tuple[str, str]]) -> list[float]:
        tokens = self._tokenizer(
            [premise for premise, _ in batch],
            [hypothesis for _, hypothesis in batch],
            padding=True,
            truncation="only_first",
            max_length=min(_MAX_TOKENS, longest_input(self._model, self._tokenizer)),
            return_tensors="pt",
        ).to(self._device)
        probabilities = self._model(**tokens).logits.float().softmax(dim=-1)  # (batch, labels)
        entails: list[float] = probabilities[:, self._entails].tolist()
        return entails


def _load(info: ModelInfo, device: str) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(info.path, **LOAD_OPTIONS)
            model = AutoModelForSequenceClassification.from_pretrained(info.path, dtype=torch.float32, **LOAD_OPTIONS)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"summary.nli_model: {info.id} ({info.path}) cannot be loaded as a natural language inference model: "
            f"{error}. It must be a folder that transformers' AutoModelForSequenceClassification reads."
        ) from error
    return model.eval().to(device), tokenizer
