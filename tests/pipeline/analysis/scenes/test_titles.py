import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.description.screen_titles import is_legible
from pipeline.analysis.scenes.titles import TITLE_LENGTH, phrase_title, sentence_title


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country.",
         "Ask not what your country can do for you"),
        ("This is the optical and science segment of the Webb Space Telescope in one of the largest clean rooms.",
         "The optical and science segment of the Webb Space Telescope"),
        ("Today we talk about the oceans of the world.", "The oceans of the world"),
        ("So, um, the harbour was closed.", "The harbour was closed"),
        ("海洋覆盖了地球的大部分。", "海洋覆盖了地球的大部分"),
        ("It broke off in the", ""),
        ("Yes.", ""),
        ("Unbelievablylongwordsfollowunbelievablylongwords unbelievablylongwordsfollowoneanother hereandforever.", ""),
    ],
)  # fmt: skip
def test_a_sentence_gives_a_title_that_is_not_broken_off(sentence: str, title: str) -> None:
    assert sentence_title(sentence) == title


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=90), max_size=4))
def test_titles_are_short_whatever_they_are_made_of(text: str, phrases: list[str]) -> None:
    assert len(sentence_title(text)) <= TITLE_LENGTH
    assert len(phrase_title(phrases)) <= TITLE_LENGTH


def test_two_keyphrases_make_a_title_unless_they_say_the_same() -> None:
    assert phrase_title(["oxygen", "tiny plants"]) == "Oxygen, tiny plants"
    assert phrase_title(["oxygen", "oxygen supply", "sea"]) == "Oxygen, sea"
    assert phrase_title(["warm ocean currents", "heat"]) == "Warm ocean currents"
    assert phrase_title([]) == ""


def test_words_in_any_script_are_legible() -> None:
    for text in ("The Blue Planet", "Погода", "海洋的秘密", "Öl und Gas", "BBC News"):
        assert is_legible(text)
