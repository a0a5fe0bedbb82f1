"""Explanations of moments of a real lake."""

import re
from dataclasses import replace

import pytest

from pipeline.extras.explain import Explainer, explanation_html
from schemas.errors import LakeError
from tests.known_lake import KnownLake

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def explainer(known_lake: KnownLake) -> Explainer:
    return Explainer(known_lake.lake)


def test_what_is_said_of_coffee_is_explained_by_the_word_and_the_picture_of_the_cup(
    explainer: Explainer, known_lake: KnownLake
) -> None:
    found = explainer.explain("a hot drink in the morning", str(known_lake.film), 1.0)
    assert found.texts[0].kind == "speech"
    strongest = sorted(found.texts[0].text_words, key=lambda each: -each.weight)[:3]
    assert {each.word for each in strongest} & {"coffee", "morning", "hot"}
    assert found.frame is not None
    assert found.frame.heat.max() > 0
    text, vision = found.shares
    assert (text.modality, vision.modality) == ("text", "vision")
    assert text.weight + vision.weight == pytest.approx(1)
    assert text.contribution > 0
    assert found.scene[0] <= 1.0 < found.scene[1]


def test_a_page_needs_nothing_else_and_escapes_what_comes_from_the_lake(
    explainer: Explainer, known_lake: KnownLake
) -> None:
    found = explainer.explain("<script>alert(1)</script> coffee", str(known_lake.film), 1.0)
    page = explanation_html(replace(found, uri='/a/"><img src=x onerror=y>.mp4'))
    assert "<script" not in page
    assert "<img src=x" not in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert page.count("<mark") >= len(found.texts[0].text_words)


def test_a_moment_that_is_not_there_is_an_error_that_says_so(explainer: Explainer, known_lake: KnownLake) -> None:
    with pytest.raises(LakeError, match="has no scene at 5000 s"):
        explainer.explain("coffee", str(known_lake.film), 5000)
    with pytest.raises(LakeError, match="There is no video"):
        explainer.explain("coffee", "nothing", 1)
