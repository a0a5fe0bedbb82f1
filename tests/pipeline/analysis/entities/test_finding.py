"""Names in a whole analysis."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pipeline.analysis.entities import KnownNames, find_entities
from pipeline.analysis.entities.spans import NameSpan
from pipeline.analysis.gazetteer import Gazetteer, KnownName
from schemas.records import Analysis, Utterance, Word
from tests.pipeline.lake.lakes import analysis


class Capitals:
    """Takes every `Zorbax` for an organisation."""

    def recognize(self, texts: Sequence[str], _languages: Sequence[str]) -> list[list[NameSpan]]:
        return [[NameSpan(at, at + 6, "organisation")] if (at := text.find("Zorbax")) >= 0 else [] for text in texts]


def doubtful(found: Analysis, known: Gazetteer = Gazetteer()) -> dict[str, bool]:  # noqa: B008 - it is frozen
    recognizer: Any = Capitals()
    return {each.text: each.doubtful for each in find_entities(found, recognizer, KnownNames(known), video_id="v")}


def spoken(probability: float, **changes: Any) -> Analysis:
    found = analysis("v")
    words = tuple(
        Word(word, start_s, start_s + 0.5, value)
        for word, start_s, value in ((" we", 0.0, 0.1), (" bought", 0.5, 0.9), (" Zorbax", 1.0, probability))
    )
    first: Utterance = replace(
        found.transcript.utterances[0], text="we bought Zorbax", words=words, start_s=0.0, end_s=1.5, **changes
    )
    return replace(found, transcript=replace(found.transcript, utterances=(first,)), subtitles=(), entities=())


@pytest.mark.parametrize(("probability", "expected"), [(0.2, True), (0.9, False)])
def test_a_name_is_as_doubtful_as_its_own_words(probability: float, expected: bool) -> None:
    assert doubtful(spoken(probability))["Zorbax"] is expected


def test_what_somebody_corrected_or_listed_is_not_doubtful() -> None:
    assert not doubtful(spoken(0.2, auto_text="we bought sore backs"))["Zorbax"]
    assert not doubtful(spoken(0.2), Gazetteer((KnownName("Zorbax", "organisation", None),)))["Zorbax"]
