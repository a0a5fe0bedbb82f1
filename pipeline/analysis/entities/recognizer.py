"""The named entity recogniser of a configuration: which model reads which texts."""

from collections.abc import Sequence

from pipeline.analysis.entities.plugin import PluginRecognizer
from pipeline.analysis.entities.spacy_pipeline import SpacyPipeline
from pipeline.analysis.entities.spans import NameSpan, Recognizer
from pipeline.analysis.scenes import Tagger
from pipeline.models import EMBEDDED_PREFIX, is_plugin, resolve
from schemas.config import EntitiesConfig

ENGLISH = "en"
_EXAMPLE = "Is Ada Lovelace in London?"
"""Read once, to see whether the model works."""
_MAX_KNOWN = 10_000
"""Texts whose names are kept: lines on screen are read for the transcript first, and often occur again."""


class EntityRecognizer:
    """Finds names in texts. The embedded model reads only English; other models read all texts.

    Args:
        config: The settings; `model` is not `none`.
        device: `cpu` or `cuda`.
        threads: Threads that a plug-in may use.

    Raises:
        ModelError: The model cannot be found or loaded, or does not find names.
    """

    def __init__(self, config: EntitiesConfig, *, device: str, threads: int) -> None:
        self.info = resolve("entities", config.model)
        self._found: dict[tuple[str, str], list[NameSpan]] = {}
        self._english_only = config.model.startswith(EMBEDDED_PREFIX)
        self._model: Recognizer
        if self._english_only:
            self._model = SpacyPipeline(self.info.path, config.model, config.batch_size)
        elif is_plugin(config.model):
            self._model = PluginRecognizer(config, device=device, threads=threads)
            self._model.recognize([_EXAMPLE], [ENGLISH])
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
            self._model.recognize([_EXAMPLE], [ENGLISH])

    @property
    def runs_on(self) -> str:
        """Device and precision, for the log."""
        return self._model.runs_on

    @property
    def tagger(self) -> Tagger | None:
        """What tells nouns in English texts; None if the model does not."""
        return self._model.word_roles if isinstance(self._model, SpacyPipeline) else None

    def recognize(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text, in order, without overlaps.

        Args:
            texts: Any texts. The same text is read once.
            languages: The language of each, ISO 639-1. Texts in languages that the model does not read have no names.

        Raises:
            ModelOutputError: A plug-in returned something else.
        """
        wanted = list(zip(texts, languages, strict=True))
        readable = [each for each in wanted if each[1] == ENGLISH or not self._english_only]
        new = [each for each in dict.fromkeys(readable) if each not in self._found]
        if len(self._found) > _MAX_KNOWN:
            self._found.clear()
            return self.recognize(texts, languages)
        found = self._model.recognize([text for text, _ in new], [language for _, language in new])
        self._found |= zip(new, found, strict=True)
        read = set(readable)
        return [self._found[each] if each in read else [] for each in wanted]
