import pytest

from pipeline.language.stop_words import english_homographs, function_words, query_stop_words, stop_words_of


def test_function_words_are_stop_words_and_what_people_say_all_the_time_is_too() -> None:
    assert {"the", "because", "would"} <= function_words("en") <= stop_words_of("en")
    assert {"people", "yesterday"} <= stop_words_of("en") - function_words("en")


def test_a_query_may_ask_for_what_people_say_all_the_time() -> None:
    found = query_stop_words()
    assert {"the"} <= found["en"]
    assert {"der", "war"} <= found["de"]
    assert {"où", "l"} <= found["fr"]
    assert not found["en"] & {"people", "yesterday", "large"}


def test_english_homographs_are_function_words_of_another_language() -> None:
    others = {word for language, words in query_stop_words().items() if language != "en" for word in words}
    assert english_homographs() <= others
    assert not english_homographs() & query_stop_words()["en"]


@pytest.mark.parametrize(("language", "same"), [("yue", "zh"), (None, "en")])
def test_a_language_may_have_the_list_of_another_one(language: str | None, same: str) -> None:
    assert stop_words_of(language) == stop_words_of(same)


def test_a_language_without_a_list_has_no_stop_words() -> None:
    assert stop_words_of("fi") == function_words("fi") == frozenset()
