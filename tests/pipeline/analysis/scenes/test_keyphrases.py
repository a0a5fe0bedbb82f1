import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.entities import EntityRecognizer
from pipeline.analysis.scenes.keyphrases import Passage, Tagger, candidates, choose_keyphrases, phrases_in
from pipeline.analysis.text import TextEncoder
from pipeline.language.stop_words import stop_words_of
from schemas.config import EntitiesConfig, TextConfig
from schemas.records import Label


def offered(passages: list[Passage], max_count: int, tagger: Tagger | None = None) -> list[str]:
    return candidates([phrase for own in phrases_in(passages, tagger) for phrase in own], max_count)


def phrases(text: str, language: str | None = "en", tagger: Tagger | None = None) -> set[str]:
    return set(offered([Passage(text, language)], 100, tagger))


def test_candidates_end_at_stop_words_and_marks() -> None:
    found = phrases("The deep sea is cold, dark water. Giant squid live there!")
    assert {"deep sea", "cold", "dark water", "Giant squid live"} <= found
    assert not any(" is " in f" {phrase} " or "cold dark" in phrase or "the" in phrase.split() for phrase in found)


def test_names_may_be_longer_than_other_phrases() -> None:
    found = phrases("at NASA's Goddard Space Flight Center some very clever young engineers work")
    assert "NASA's Goddard Space Flight Center" in found
    assert "clever young engineers work" not in found


def check(text: str, language: str, wanted: set[str], unwanted: set[str]) -> None:
    """Assert that some phrases are found in a text, and others are not."""
    found = phrases(text, language)
    assert wanted <= found
    assert not found & unwanted


@pytest.mark.parametrize(
    ("text", "language", "wanted", "unwanted"),
    [
        ("Bienvenidos a la historia de los volcanes de Islandia.", "es", {"volcanes", "historia"}, {"de", "la"}),
        ("L’océan est très profond, c'est vrai.", "fr", {"océan", "profond"}, {"L’océan", "est", "c'est"}),
        ("Die künstliche Intelligenz ist nicht neu.", "de", {"künstliche Intelligenz"}, {"ist", "nicht"}),
        ("今天我们来谈谈气候变化和海洋生物。", "zh", {"气候变化", "海洋生物"}, {"今天", "我们", "和"}),
        ("Сегодня мы говорим о глубоком море.", "ru", {"глубоком море"}, {"мы", "о"}),  # noqa: RUF001
    ],
)
def test_languages_have_their_own_words_and_stop_words(
    text: str, language: str, wanted: set[str], unwanted: set[str]
) -> None:
    check(text, language, wanted, unwanted)


def test_a_language_without_a_list_still_gives_phrases_and_english_is_taken_where_none_is_known() -> None:
    assert stop_words_of("fi") == frozenset()
    assert "syvä meri" in phrases("syvä meri", "fi")
    assert phrases("the sea", None) == {"sea"}


def test_what_is_said_more_often_comes_first_and_a_cap_keeps_it() -> None:
    passages = [Passage(text, "en") for text in ("coral reef", "Coral reef", "anchor", "Coral reef")]
    assert offered(passages, 1) == ["Coral reef"]


def test_chosen_phrases_are_near_the_text_and_none_is_part_of_another() -> None:
    vectors = {
        "coral reef": np.array([1, 0.1, 0], np.float32), "reef": np.array([0.9, 0.3, 0], np.float32),
        "whale song": np.array([0.6, 0, 0.8], np.float32), "tax return": np.array([0, 1, 0], np.float32),
    }  # fmt: skip
    vectors = {phrase: vector / np.linalg.norm(vector) for phrase, vector in vectors.items()}
    chosen = choose_keyphrases(list(vectors), vectors, np.array([1, 0, 0.1], np.float32), count=3, diversity=0.4)
    assert [label.label for label in chosen] == ["coral reef", "whale song"]
    assert [label.score for label in chosen] == sorted((label.score for label in chosen), reverse=True)


def test_a_phrase_of_a_script_without_spaces_is_part_of_a_longer_one_too() -> None:
    near = np.array([1, 0, 0], np.float32)
    vectors = {
        "深度学习模型": near,
        "深度学习": near,
        "学习模型": near,
        "气候变化": np.array([0.8, 0.6, 0], np.float32),
    }
    chosen = choose_keyphrases(list(vectors), vectors, near, count=4, diversity=0.0)
    assert [label.label for label in chosen] == ["深度学习模型", "气候变化"]
    # Of two words, as in English: these say more than one.
    assert offered([Passage("语音识别。改变。", "zh")], 1) == ["语音识别"]


def test_without_text_or_candidates_there_are_no_keyphrases() -> None:
    assert choose_keyphrases([], {}, np.ones(3, np.float32), count=3, diversity=0.4) == ()
    assert (
        choose_keyphrases(["a"], {"a": np.ones(3, np.float32)}, np.zeros(3, np.float32), count=3, diversity=0.4) == ()
    )
    assert offered([Passage("... 12:30 — !", "en")], 10) == []


@pytest.mark.parametrize(
    ("text", "language", "wanted", "unwanted"),
    [
        (
            "Los volcanes entran en erupción, y la energía solar alimenta la estación espacial internacional.", "es",
            {"volcanes", "energía solar", "estación espacial internacional"}, {"solar alimenta", "espacial"},
        ),
        (
            "Das Teleskop zeigt tausende Galaxien, und die Bauern ernteten reife Kartoffeln.", "de",
            {"Teleskop", "tausende Galaxien", "Bauern", "reife Kartoffeln"}, {"Teleskop zeigt", "reife", "tausende"},
        ),
        ("Les pêcheurs vendent le poisson frais.", "fr", {"pêcheurs", "poisson frais"}, {"pêcheurs vendent", "frais"}),
        ("vroege vogels zingen een lied", "nl", {"vroege vogels", "lied"}, {"vroege", "vogels zingen"}),
    ],
)  # fmt: skip
def test_a_verb_ends_a_phrase_and_an_adjective_alone_is_none(
    text: str, language: str, wanted: set[str], unwanted: set[str]
) -> None:
    check(text, language, wanted, unwanted)


@pytest.mark.models
def test_english_phrases_are_noun_phrases_by_the_tags_of_the_embedded_model() -> None:
    tagger = EntityRecognizer(EntitiesConfig(), device="cpu", threads=1).tagger
    found = phrases(
        "The telescope sees thousands of faint galaxies. Giant squid live there. It has discovered frozen water. "
        "NASA's gold-coated mirror is cold. Add 350 g warm water on Platform 6.",
        tagger=tagger,
    )
    assert {
        "telescope", "thousands", "faint galaxies", "Giant squid", "frozen water", "gold-coated mirror", "Platform 6",
    } <= found  # fmt: skip
    assert not found & {
        "telescope sees",
        "faint",
        "squid live",
        "discovered frozen water",
        "cold",
        "g warm water",
        "Giant",
    }


@given(text=st.text(max_size=200), language=st.sampled_from([None, "en", "fr", "zh", "ja", "th", "xx"]))
def test_candidates_of_any_text_are_pieces_of_it(text: str, language: str | None) -> None:
    found = offered([Passage(text, language)], 50)
    assert len(found) <= 50
    assert all(phrase in text and phrase.strip() == phrase and phrase for phrase in found)
    assert len({phrase.casefold() for phrase in found}) == len(found)


@pytest.mark.models
def test_keyphrases_of_a_talk_say_what_it_is_about() -> None:
    talk = (
        "Welcome everybody. Today I will talk about coral reefs. Coral reefs are home to a quarter of all fish. "
        "When the water gets too warm, corals lose their algae and turn white. This is called coral bleaching. "
        "I hope you liked it, thank you."
    )
    phrases = offered([Passage(talk, "en")], 40)
    encoder = TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=1)
    vectors = dict(zip(phrases, encoder.encode(phrases), strict=True))
    chosen = choose_keyphrases(phrases, vectors, encoder.encode([talk])[0], count=4, diversity=0.4)
    assert isinstance(chosen[0], Label)
    assert any("coral" in label.label.lower() for label in chosen[:1])
    assert "coral bleaching" in {label.label for label in chosen}
