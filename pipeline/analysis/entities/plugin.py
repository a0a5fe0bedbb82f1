"""Named entity recognisers from plug-ins."""

from collections.abc import Sequence
from operator import itemgetter

from pipeline.analysis.entities.spans import NameSpan, disjoint
from pipeline.models import NameModel, OutputCheck, make_plugin, runs_on
from schemas.config import EntitiesConfig
from schemas.entities import ENTITY_KINDS, EntityKind


class PluginRecognizer:
    """A plug-in model. Its output is checked, so that an error names the plug-in.

    Args:
        config: The `entities` section.
        device: `cpu` or `cuda`.
        threads: Threads it may use.

    Raises:
        ModelError: The model cannot be made.
    """

    def __init__(self, config: EntitiesConfig, *, device: str, threads: int) -> None:
        self._check = OutputCheck("entities.model", config.model)
        self._model = make_plugin("entities", config.model, NameModel, device=device, threads=threads)
        self._min_score = config.min_score
        self.runs_on = runs_on(device, "plug-in")

    def recognize(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text, in order, without overlaps.

        Raises:
            ModelOutputError: The model returned something else than places, kinds and scores of names in each text.
        """
        if not texts:
            return []
        found = self._check.one_each(self._model.recognize(texts, languages), len(texts), "results", "texts")
        return [self._spans(each, text) for each, text in zip(found, texts, strict=True)]

    def _spans(self, found: object, text: str) -> list[NameSpan]:
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise self._check.error(f"{type(found).__name__} for a text; expected a list of names")
        scored = sorted((self._name(each, text) for each in found), key=itemgetter(1), reverse=True)
        return disjoint([span for span, score in scored if score >= self._min_score])

    def _name(self, found: object, text: str) -> tuple[NameSpan, float]:
        if not isinstance(found, tuple | list) or len(found) != 4:
            raise self._check.error(f"{found!r:.100} for a name; expected (start, end, kind, score)")
        start, end = self._check.array(found[:2], (2,), "places of a name").tolist()
        if not (start.is_integer() and end.is_integer() and 0 <= start < end <= len(text)):
            raise self._check.error(f"a name from {start:g} to {end:g} in a text of {len(text)} characters")
        kind: EntityKind | None = next((kind for kind in ENTITY_KINDS if kind == found[2]), None)
        if kind is None:
            raise self._check.error(f"a name of the kind {found[2]!r:.100}; expected {', '.join(ENTITY_KINDS)}")
        return NameSpan(int(start), int(end), kind), float(self._check.scores(found[3], (), "a score"))
