"""The embedded recogniser: the tok2vec and ner components of spaCy's English pipeline, on the CPU."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.analysis.entities.spans import NameSpan
from schemas.entities import EntityKind
from schemas.errors import ModelError

_UNUSED = ("tagger", "parser", "senter", "attribute_ruler", "lemmatizer")
_KINDS: Mapping[str, EntityKind] = {
    "PERSON": "person",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "ORG": "organisation",
    "WORK_OF_ART": "work",
    "PRODUCT": "work",
    "DATE": "date",
}
"""Kinds by the classes of OntoNotes. Events, nationalities, laws and numbers are none."""


class SpacyPipeline:
    """spaCy's English named entity recogniser. Importing and loading it takes about a second, so the first text does.

    Args:
        folder: The pipeline.
        model_id: For messages.
        batch_size: Texts per batch.
    """

    runs_on = "cpu float32"

    def __init__(self, folder: Path, model_id: str, batch_size: int) -> None:
        self._folder, self._model_id, self._batch_size = folder, model_id, batch_size
        self._pipeline: Any = None

    def recognize(self, texts: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text, in order, without overlaps.

        Raises:
            ModelError: spaCy is missing, or does not read this pipeline.
        """
        if not texts:
            return []
        pipeline = self._loaded()
        # Without a zone, spaCy keeps each new word for good, and OCR finds new ones in every video.
        with pipeline.memory_zone():
            return [
                [
                    NameSpan(each.start_char, each.end_char, _KINDS[each.label_])
                    for each in document.ents
                    if each.label_ in _KINDS
                ]
                for document in pipeline.pipe(texts, batch_size=self._batch_size)
            ]

    def _loaded(self) -> Any:  # noqa: ANN401 - spaCy's `Language`
        if self._pipeline is None:
            try:
                import spacy

                self._pipeline = spacy.load(self._folder, exclude=_UNUSED)
            except ImportError as error:
                raise ModelError(
                    f"{self._model_id} needs the package spacy. Run: pip install 'videolake[embedded]'"
                ) from error
            except (OSError, ValueError, KeyError) as error:
                raise ModelError(f"entities.model: spaCy cannot load {self._folder}: {error}") from error
        return self._pipeline
