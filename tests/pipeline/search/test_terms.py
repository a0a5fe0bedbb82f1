import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.highlights import excerpt
from pipeline.search.terms import index_text, parse_query, terms_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Été", "ete"),
        ("STRASSE", "Straße"),
        ("telescope", "Telescopes"),
        ("city", "cities"),
        ("Łódź", "lodz"),
        ("café", "cafe\u0301"),
        ("\uff21\uff22\uff23", "abc"),
        ("İstanbul", "istanbul"),
    ],
)
def test_spellings_of_the_same_word_are_equal(one: str, other: str) -> None:
    assert index_text(one) == index_text(other) != ""


@pytest.mark.parametrize("word", ["bus", "glass", "his", "analysis"])
def test_a_word_is_the_same_in_capitals(word: str) -> None:
    assert index_text(word) == index_text(word.upper())


def test_chinese_is_found_by_any_two_adjacent_characters() -> None:
    text = set(index_text("人工智能改变世界").split())
    for part in ("智能", "改变", "世界", "能改变"):
        assert set(parse_query(part).terms) <= text
    assert "界".startswith(parse_query("界").prefixes[0])
    assert any(word.startswith("改") for word in text)


@pytest.mark.parametrize("text", ["人々の声", "မြန်မာစာ", "ភាសាខ្មែរ", "ภาษาไทย"])
def test_scripts_without_spaces_are_found_by_a_part_too(text: str) -> None:
    assert len(terms_of(text)) > 2
    assert set(parse_query(text[2:]).terms) <= set(index_text(text).split())


def test_a_chinese_phrase_continues_after_a_mark_or_a_number() -> None:
    text = index_text("他说,你好，世界！北京2022年")
    for phrase in ("你好，世界", "北京 2022", "说,你好", "世界"):
        [words] = parse_query(f'"{phrase}"').phrases
        assert f" {' '.join(words)} " in f" {text} "
    [words] = parse_query('"你好世界"').phrases
    assert " ".join(words) not in text


def test_all_of_a_chinese_query_counts_while_it_is_typed() -> None:
    assert parse_query("机器学习", prefix=True) == parse_query("机器学习")
    assert parse_query("new 机", prefix=True).prefixes == ("机",)


def test_a_mark_without_a_letter_is_not_a_prefix() -> None:
    assert not parse_query("\u0301", prefix=True)
    assert parse_query("foo \u0301", prefix=True).prefixes == ("foo",)


def test_a_query_of_only_stop_words_keeps_them() -> None:
    assert parse_query("to be or not to be").terms == ("to", "be", "or", "not")
    assert parse_query("a cyclist in the traffic").terms == ("cyclist", "traffic")
    assert parse_query("war der Hund da").terms == ("hund",)
    assert parse_query("die Katze schläft auf dem Sofa").terms == ("katze", "schlaft", "sofa")


def test_an_english_word_counts_although_another_language_has_it_as_a_function_word() -> None:
    assert parse_query("war crimes").terms == ("war", "crime")
    assert parse_query("the son of the king").terms == ("son", "king")
    assert parse_query("die hard").terms == ("die", "hard")


def test_phrases_are_in_quotation_marks() -> None:
    query = parse_query('ocean "blue planets" “deep sea”')
    assert query.phrases == (("blue", "planet"), ("deep", "sea"))
    assert query.terms == ("ocean",)
    assert parse_query('an "open end').terms == ("open", "end")
    assert not parse_query('""')


def test_the_last_word_typed_is_a_prefix() -> None:
    assert parse_query("blue pla", prefix=True).prefixes == ("pla",)
    assert parse_query("blue pla ", prefix=True).prefixes == ()


@given(st.text())
def test_every_text_is_a_query_and_every_query_can_be_indexed(text: str) -> None:
    for prefix in (False, True):
        query = parse_query(text, prefix=prefix)
        for word in (*query.terms, *query.prefixes, *(each for phrase in query.phrases for each in phrase)):
            assert word.strip() == word != ""
            word.encode()
    for term in terms_of(text):
        assert 0 <= term.start < term.end <= len(text)
    assert index_text(text).split() == [word for term in terms_of(text) for word in term.text.split()]


@given(st.text(alphabet=string.ascii_letters + " \n.,海洋é", max_size=600), st.text(max_size=20))
def test_highlights_are_words_of_the_query_in_the_excerpt(text: str, query: str) -> None:
    words = {term.text for term in terms_of(f"{query} {text[:20]}")}
    shown, spans = excerpt(text, words)
    assert "\n" not in shown
    assert len(shown) <= 240
    for start, end in spans:
        assert {term.text for term in terms_of(shown[start:end])} & words
