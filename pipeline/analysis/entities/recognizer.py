"""The named entity recogniser of a configuration: which model reads which texts."""

from collections.abc import Sequence

from pipeline.analysis.entities.spacy_pipeline import SpacyPipeline
from pipeline.analysis.entities.spans import NameSpan, Recognizer
from pipeline.models import EMBEDDED_PREFIX, is_plugin, resolve
from schemas.config import EntitiesConfig
from schemas.errors import ModelError

ENGLISH = "en"
_MAX_KNOWN = 10_000
"""Texts whose names are kept: lines on screen are read for the transcript first, and often occur again."""


class EntityRecognizer:
    """Finds names in texts. The embedded model reads only English; other models read all texts.

    Args:
        config: The settings; `model` is not `none`.
        device: `cpu` or `cuda`.

    Raises:
        ModelError: The model cannot be found or loaded, or does not find names.
    """

    def __init__(self, config: EntitiesConfig, *, device: str) -> None:
        if is_plugin(config.model):
            raise ModelError(
                "entities.model takes no plug-in; give a folder or a Hub id of a token classification model."
            )
        self.info = resolve("entities", config.model)
        self._found: dict[str, list[NameSpan]] = {}
        self._english_only = config.model.startswith(EMBEDDED_PREFIX)
        self._model: Recognizer
        if self._english_only:
            self._model = SpacyPipeline(self.info.path, config.model, config.batch_size)
        else:
            # Importing transformers takes seconds.
            from pipeline.analysis.entities.token_classifier import TokenClassifier

            self._model = TokenClassifier(
                self.info.path,
                config.model,
                device=device,
                batch_size=config.batch_size,
                min_score=config.min_score,
            )
            self._model.recognize(["Is Ada Lovelace in London?"])

    @property
    def runs_on(self) -> str:
        """Device and precision, for the log."""
        return self._model.runs_on

    def recognize(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text, in order, without overlaps.

        Args:
            texts: Any texts. The same text is read once.
            languages: The language of each, ISO 639-1. Texts in languages that the model does not read have no names.
        """
        readable = [language == ENGLISH or not self._english_only for language in languages]
        new = dict.fromkeys(
            text for text, reads in zip(texts, readable, strict=True) if reads and text not in self._found
        )
        if len(self._found) > _MAX_KNOWN:
            self._found.clear()
            return self.recognize(texts, languages)
        self._found |= zip(new, self._model.recognize(list(new)), strict=True)
        return [self._found[text] if reads else [] for text, reads in zip(texts, readable, strict=True)]
