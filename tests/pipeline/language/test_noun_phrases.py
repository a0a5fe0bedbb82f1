import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language import capitalised_within, head_first, word_roles, word_spans


def roles(text: str, language: str | None) -> dict[str, str]:
    spans = word_spans(text, language)
    found = word_roles(text, spans, language, frozenset(capitalised_within(text, spans)))
    return {text[start:end]: role for (start, end), role in zip(spans, found, strict=True)}


@pytest.mark.parametrize(
    ("text", "language", "verbs"),
    [
        ("Every night the telescope sees the galaxies", "en", {"sees"}),
        ("we explore caves", None, {"explore"}),
        ("la energía solar alimenta la estación", "es", {"alimenta"}),
        ("los sindicatos convocaron una huelga", "es", {"convocaron"}),
        ("para hablar sobre volcanes", "es", {"hablar"}),
        ("las aves cruzan mares", "es", {"cruzan"}),
        ("la hija vende panes calientes", "es", {"vende"}),
        ("la ciudad antigua, energías limpias", "es", set()),
        ("les pêcheurs vendent le poisson", "fr", {"vendent"}),
        ("le guide montre l’océan", "fr", {"montre"}),
        ("il gatto mangia la cena", "it", {"mangia"}),
        ("os gatos caçavam ratos", "pt", {"caçavam"}),
        ("de visser verkoopt de vis", "nl", {"verkoopt"}),
    ],
)
def test_a_word_beside_an_article_or_a_pronoun_or_with_a_verbs_ending_is_a_verb(
    text: str, language: str | None, verbs: set[str]
) -> None:
    found = roles(text, language)
    named = {word for word, role in found.items() if role == "other"}
    assert named & set(text.split()) == verbs


def test_a_word_after_an_article_and_a_word_before_a_comma_stay_nouns() -> None:
    assert roles("on the road the lights, a map", "en")["road"] == "noun"
    assert roles("lights, the map", "en")["lights"] == "noun"


def test_german_nouns_have_a_capital_and_adjectives_an_ending() -> None:
    found = roles("Danach zeigt tausende ferne Galaxien ein Teleskop, und Bauern ernteten spät.", "de")
    assert {word for word, role in found.items() if role == "noun"} == {"Teleskop", "Galaxien", "Bauern"}
    assert {"tausende", "ferne"} <= {word for word, role in found.items() if role == "modifier"}
    assert {found["zeigt"], found["ernteten"], found["spät"]} == {"other"}
    assert roles("Wale singen. Dort sind Wale.", "de")["Wale"] == "noun", "it has a capital within a sentence, too"


@given(
    text=st.text(max_size=100), language=st.sampled_from([None, "en", "de", "nl", "es", "fr", "it", "pt", "ru", "zh"])
)
def test_every_word_of_any_text_has_a_role(text: str, language: str | None) -> None:
    spans = word_spans(text, language)
    found = word_roles(text, spans, language)
    assert len(found) == len(spans)
    if head_first(language) is None:
        assert set(found) <= {"noun"}
