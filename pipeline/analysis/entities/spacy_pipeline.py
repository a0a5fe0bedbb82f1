"""The embedded recogniser: the tok2vec and ner components of spaCy's English pipeline, on the CPU."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    """spaCy's English named entity recogniser.

    Importing and loading it takes about a second. A thread does so, while other models are loaded or images analysed.

    Args:
        folder: The pipeline.
        model_id: For messages.
        batch_size: Texts per batch.
    """

    runs_on = "cpu float32"

    def __init__(self, folder: Path, model_id: str, batch_size: int) -> None:
        self._batch_size = batch_size
        loading = ThreadPoolExecutor(1, "spacy")
        self._pipeline = loading.submit(_load, folder, model_id)
        loading.shutdown(wait=False)

    def recognize(self, texts: Sequence[str], _languages: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text, which is in English, in order, without overlaps.

        Raises:
            ModelError: spaCy is missing, or does not read this pipeline.
        """
        if not texts:
            return []
        pipeline = self._pipeline.result()
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


def _load(folder: Path, model_id: str) -> Any:  # noqa: ANN401 - spaCy's `Language`
    try:
        import spacy

        return spacy.load(folder, exclude=_UNUSED)
    except ImportError as error:
        raise ModelError(f"{model_id} needs the package spacy. Run: pip install 'videolake[embedded]'") from error
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"entities.model: spaCy cannot load {folder}: {error}") from error
