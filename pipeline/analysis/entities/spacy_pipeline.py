"""The embedded recogniser: the ner, tok2vec and tagger components of spaCy's English pipeline, on the CPU."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.analysis.entities.spans import NameSpan
from pipeline.language import Role
from schemas.entities import EntityKind
from schemas.errors import ModelError

_UNUSED = ("parser", "senter", "attribute_ruler", "lemmatizer")
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

_NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
_MODIFIERS = frozenset({"JJ", "JJR", "JJS", "CD", "POS", "HYPH"})
_MODIFIERS_AFTER: Mapping[str, frozenset[str]] = {
    "VBN": frozenset({"DT", "PRP$", "JJ", "CD", "IN", "HYPH"}),
    "VBG": frozenset({"DT", "PRP$", "JJ", "HYPH"}),
}
"""Participles belong to a noun only after these tags: "the printed book", but not "has discovered water"."""


class SpacyPipeline:
    """spaCy's English named entity recogniser and tagger.

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
        with self._only("ner") as pipeline:
            return [
                [
                    NameSpan(each.start_char, each.end_char, _KINDS[each.label_])
                    for each in document.ents
                    if each.label_ in _KINDS
                ]
                for document in pipeline.pipe(texts, batch_size=self._batch_size)
            ]

    def word_roles(self, texts: Sequence[str]) -> list[list[tuple[int, Role]]]:
        """Return for each text where each of its tokens ends, and whether it may be in a noun phrase.

        Raises:
            ModelError: spaCy is missing, or does not read this pipeline.
        """
        if not texts:
            return []
        with self._only("tok2vec", "tagger") as pipeline:
            return [_roles(document) for document in pipeline.pipe(texts, batch_size=self._batch_size)]

    @contextmanager
    def _only(self, *components: str) -> Iterator[Any]:
        pipeline = self._pipeline.result()
        # Without a zone, spaCy keeps each new word for good, and OCR finds new ones in every video.
        with pipeline.memory_zone(), pipeline.select_pipes(enable=components):
            yield pipeline


def _roles(document: Any) -> list[tuple[int, Role]]:  # noqa: ANN401 - spaCy's `Doc`
    roles: list[tuple[int, Role]] = []
    before = ""
    for token in document:
        numbered = before in _NOUNS and token.text[:1].isdigit() and token.nbor(-1).text[:1].isupper()
        role: Role = "noun" if token.tag_ in _NOUNS or numbered else "other"
        if role == "other" and (token.tag_ in _MODIFIERS or before in _MODIFIERS_AFTER.get(token.tag_, ())):
            role = "modifier"
        roles.append((token.idx + len(token), role))
        before = token.tag_
    return roles


def _load(folder: Path, model_id: str) -> Any:  # noqa: ANN401 - spaCy's `Language`
    try:
        import spacy

        return spacy.load(folder, exclude=_UNUSED)
    except ImportError as error:
        raise ModelError(f"{model_id} needs the package spacy. Run: pip install 'videolake[embedded]'") from error
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"entities.model: spaCy cannot load {folder}: {error}") from error
