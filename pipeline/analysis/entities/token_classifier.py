"""Token classification models in the format of the Hugging Face Hub, run by transformers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline.analysis.entities.spans import NameSpan
from pipeline.models import (
    LOAD_ERRORS,
    LOAD_OPTIONS,
    BatchSize,
    load_pretrained,
    longest_input,
    quiet_transformers,
    runs_on,
)
from schemas.entities import EntityKind
from schemas.errors import ModelError

_KINDS: Mapping[str, EntityKind] = {
    "PER": "person", "PERSON": "person", "PERS": "person",
    "LOC": "place", "LOCATION": "place", "GPE": "place", "FAC": "place", "PLACE": "place",
    "ORG": "organisation", "ORGANIZATION": "organisation", "ORGANISATION": "organisation",
    "CORPORATION": "organisation", "GROUP": "organisation",
    "WORK_OF_ART": "work", "WORK": "work", "CREATIVE-WORK": "work", "CREATIVE_WORK": "work", "PRODUCT": "work",
    "MEDIA": "work", "PROD": "work",
    "DATE": "date",
}  # fmt: skip
"""Kinds by the classes of CoNLL, OntoNotes, WNUT, WikiNEuRal and MultiNERD. Others are left out."""
_OVERLAP = 32
"""Tokens that the windows of a long text share."""
_MAX_WINDOW = 512


class TokenClassifier:
    """A BERT-like model with a class for each token, in the schemes IO, IOB and BIOES.

    Args:
        folder: The model.
        model_id: For messages.
        device: `cpu` or `cuda`.
        batch_size: Windows per batch.
        min_score: Minimum mean probability of a name.

    Raises:
        ModelError: It is no token classification model, has no fast tokenizer, or none of its classes is a name.
    """

    def __init__(self, folder: Path, model_id: str, *, device: str, batch_size: int, min_score: float) -> None:
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        try:
            with quiet_transformers():
                self._tokenizer = AutoTokenizer.from_pretrained(folder, **LOAD_OPTIONS)
                model = load_pretrained(AutoModelForTokenClassification, folder, dtype=torch.float32)
        except LOAD_ERRORS as error:
            raise ModelError(
                f"entities.model: {model_id} cannot be loaded: {error}. It must be a token classification model that "
                "was trained to find names."
            ) from error
        if not self._tokenizer.is_fast:
            raise ModelError(f"entities.model: {model_id} has no fast tokenizer, which says where each token is.")
        names = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
        self._begins = np.array([name.upper()[:2] in {"B-", "S-", "U-"} for name in names])
        self._kinds = [_kind(name) for name in names]
        if not any(self._kinds):
            raise ModelError(
                f"entities.model: {model_id} has the classes {', '.join(names[:8])}, none of which is a person, place, "
                "organisation, work or date."
            )
        self._model = model.eval().to(device)
        self._device, self._min_score = device, min_score
        self._length = min(_MAX_WINDOW, longest_input(model, self._tokenizer))
        self._batch = BatchSize("entities", batch_size, device)
        self.runs_on = runs_on(device, "float32", batch_size)

    def recognize(self, texts: Sequence[str], _languages: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text, of any language, in order, without overlaps."""
        if not texts:
            return []
        overlap = min(_OVERLAP, self._length // 4) // 2 * 2
        windows = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._length,
            stride=overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        order = sorted(range(len(windows["input_ids"])), key=lambda index: -len(windows["input_ids"][index]))
        scores: dict[int, np.ndarray] = {}
        for batch, rows in self._batch.batches(
            order, lambda chosen: self._scores([windows["input_ids"][number] for number in chosen])
        ):
            scores |= dict(zip(batch, rows, strict=True))
        tokens: list[list[tuple[np.ndarray, tuple[int, int]]]] = [[] for _ in texts]
        for window, text in enumerate(windows["overflow_to_sample_mapping"]):
            own = [
                (row, offsets)
                for row, offsets, special in zip(
                    scores[window],
                    windows["offset_mapping"][window],
                    windows["special_tokens_mask"][window],
                    strict=True,
                )
                if not special
            ]
            if tokens[text]:
                # Of the tokens in both windows, each window knows the context of one half better.
                del tokens[text][len(tokens[text]) - overlap // 2 :]
                own = own[overlap // 2 :]
            tokens[text] += own
        return [self._spans(each, text) for each, text in zip(tokens, texts, strict=True)]

    def _scores(self, ids: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """Return the probabilities of each token's classes, (length, classes) for each window."""
        longest = max(map(len, ids))
        padding = int(self._tokenizer.pad_token_id or 0)
        tokens = torch.tensor([[*row, *[padding] * (longest - len(row))] for row in ids], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=self._device)
        with torch.inference_mode():
            logits = self._model(input_ids=tokens, attention_mask=mask).logits.float()
        probabilities = logits.softmax(-1).cpu().numpy()
        return [probabilities[number, : len(row)] for number, row in enumerate(ids)]

    def _spans(self, tokens: Sequence[tuple[np.ndarray, tuple[int, int]]], text: str) -> list[NameSpan]:
        """Join the tokens of names, given their probabilities and places. A word has the class of its first token."""
        words: list[tuple[int, int, int, float]] = []
        for row, (begin, end) in tokens:
            # SentencePiece counts the space before a word.
            start = end - len(text[begin:end].lstrip())
            if start >= end:
                continue
            if words and words[-1][1] == start and text[start].isalnum() and text[start - 1].isalnum():
                words[-1] = (words[-1][0], end, *words[-1][2:])
            else:
                best = int(row.argmax())
                words.append((start, end, best, float(row[best])))
        spans: list[NameSpan] = []
        sure: list[list[float]] = []
        open_kind: EntityKind | None = None
        for start, end, best, score in words:
            kind = self._kinds[best]
            if kind is not None and kind == open_kind and not self._begins[best]:
                spans[-1] = NameSpan(spans[-1].start, end, kind)
                sure[-1].append(score)
            elif kind is not None:
                spans.append(NameSpan(start, end, kind))
                sure.append([score])
            open_kind = kind
        return [span for span, values in zip(spans, sure, strict=True) if np.mean(values) >= self._min_score]


def _kind(label: str) -> EntityKind | None:
    name = label.upper()
    if name[:2] in {"B-", "I-", "E-", "S-", "L-", "U-"}:
        name = name[2:]
    return _KINDS.get(name)
