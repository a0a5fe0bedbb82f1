import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.summary.abstract import check_support
from pipeline.analysis.summary.abstract.numbers import numbers_in
from pipeline.analysis.summary.abstract.support import stem

EVIDENCE = [
    "Bees live in colonies that may hold fifty thousand workers.",
    "A queen bee lays up to two thousand eggs on a summer day.",
    "We cannot drink from the oceans: they are full of salt.",
    "Without bees, most fruit trees would hardly bear any fruit.",
    "The harbour was closed by Mayor Anna Schmidt because prices increased.",
    "The commission did not approve the merger.",
]


@pytest.mark.parametrize(
    "sentence",
    [
        "Colonies of bees hold 50,000 workers.",
        "A queen bee lays two thousand eggs on a summer day.",
        "The oceans are full of salt.",
        "Anna Schmidt closed the harbour.",
        "Fruit trees would hardly bear fruit without bees.",
        "The merger was not approved by the commission.",
        "The commission didn't approve the merger.",
    ],
)
def test_what_the_evidence_says_in_other_words_is_supported(sentence: str) -> None:
    verdict = check_support(sentence, EVIDENCE, similarity=0.7)
    assert verdict.supported, verdict


@pytest.mark.parametrize(
    ("sentence", "fault", "detail"),
    [
        ("Colonies of bees hold 60,000 workers.", "number", "60000"),
        ("A queen bee lays three thousand eggs on a summer day.", "number", "3000"),
        ("Peter Schmidt closed the harbour.", "name", "Peter"),
        ("The harbour was closed by Mayor Anna Meyer.", "name", "Meyer"),
        ("The harbour was closed by NATO.", "name", "NATO"),
        ("Prices decreased at the harbour.", "contrast", "decreased"),
        ("We can drink from the oceans.", "negation", ""),
        ("The commission approved the merger.", "negation", ""),
        ("Fruit trees bear fruit without bees.", "negation", ""),
        ("The harbour is famous for its wonderful restaurants and beaches.", "content", "beach, famou, restaurant"),
    ],
)
def test_what_the_evidence_does_not_say_is_not_supported(sentence: str, fault: str, detail: str) -> None:
    verdict = check_support(sentence, EVIDENCE, similarity=0.7)
    assert (verdict.supported, verdict.fault, verdict.detail) == (False, fault, detail)


def test_half_of_the_words_are_enough_only_where_the_meaning_is_near() -> None:
    sentence = "The harbour closed because of higher costs."
    assert check_support(sentence, EVIDENCE, similarity=0.7).supported
    assert check_support(sentence, EVIDENCE, similarity=0.3).fault == "content"


def test_german_nouns_are_no_names_but_chinese_and_german_denials_are_seen() -> None:
    said = ["Das Meer ist voller Salz und man kann es nicht trinken."]
    assert check_support("Das Meer ist voller Salz.", said, similarity=0.9, language="de").fault == "negation"
    assert check_support("Man kann Salz im Meer nicht trinken.", said, similarity=0.9, language="de").supported
    assert not check_support("海水可以喝", ["海水不可以喝"], similarity=0.9, language="zh").supported


def test_without_evidence_nothing_is_supported() -> None:
    assert not check_support("Bees make honey.", [], similarity=0.0).supported


@given(st.lists(st.sampled_from(EVIDENCE), min_size=1, unique=True))
def test_a_quotation_is_supported_whatever_stands_around_it(said: list[str]) -> None:
    for sentence in said:
        assert check_support(sentence, said, similarity=1.0).supported


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,200 or 1.2 thousand or twelve hundred", {1200.0}),
        ("two hundred and seven bees", {207.0}),
        ("fifty thousand workers lay two thousand eggs", {50000.0, 2000.0}),
        ("one of them, at 3.5 % and 11 km", {3.5, 11.0}),
        ("in 2020 300 people", {2020.0, 300.0}),
        ("1.234.567,89 Euro", {1234567.89}),
        ("twenty one million", {21e6}),
        ("nothing counted", set()),
    ],
)
def test_numbers_are_the_same_however_they_are_written(text: str, numbers: set[float]) -> None:
    assert numbers_in(text) == numbers


@given(st.integers(0, 10**12))
def test_digits_are_read_with_and_without_separators(number: int) -> None:
    assert numbers_in(f"about {number} of them") == numbers_in(f"about {number:,} of them") == {float(number)}


@given(st.text(max_size=60))
def test_numbers_and_stems_are_found_in_any_text(text: str) -> None:
    numbers_in(text)
    assert len(stem(text)) <= len(text.lower())
