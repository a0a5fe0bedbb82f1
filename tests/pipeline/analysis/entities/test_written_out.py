"""Names that their wording gives away, and lines in capitals."""

import pytest

from pipeline.analysis.entities.casing import is_capitals, mixed_case_words, recased
from pipeline.analysis.entities.written_out import people, works


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Rosalind Franklin's photograph", ["Rosalind Franklin"]),
        ("by John F. Kennedy and Ludwig van Beethoven", ["John F. Kennedy", "Ludwig van Beethoven"]),
        ("Paris Hilton, May Day, Victoria Station", []),
        ("Robert said that Laura Went home", []),
        ("Dr Oyelaran Adeyemi", ["Dr Oyelaran Adeyemi"]),
        ("Ask Prof. Anna K. Weissmann's team", ["Prof. Anna K. Weissmann"]),
        ("Mr Speaker, Dr Who", []),
        ("the robin sings to Alice", []),
    ],
)
def test_a_usual_first_name_or_a_title_with_a_family_name_is_a_person(text: str, names: list[str]) -> None:
    assert [text[start:end] for start, end in people(text)] == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("War and Peace by Leo Tolstoy", ["War and Peace"]),
        ("Presented by Laura Simmons", []),
        ("A film by Hannah Becker", []),
        ("Pictures by night", []),
        ("By Leo Tolstoy", []),
    ],
)
def test_what_stands_before_its_author_is_a_work(line: str, names: list[str]) -> None:
    assert [line[start:end] for start, end in works(line)] == names


def test_a_line_in_capitals_is_read_with_the_case_that_words_have_elsewhere() -> None:
    known = mixed_case_words(["In 1999, NATO met in Bonn.", "Yesterday it rained."])
    assert known == {"NATO", "Bonn"}
    assert recased("NATO MEETS IN BONN", known) == "NATO Meets in Bonn"
    assert recased("Nato meets in Bonn", known) == "Nato meets in Bonn"


@pytest.mark.parametrize("line", ["", "OK", "4K 60", "İSTANBUL'DA ßTRASSE", "A B C D E", "LAION-400M", "日本語"])
def test_the_length_of_a_line_never_changes(line: str) -> None:
    assert len(recased(line, {"straße", "Istanbul"})) == len(line)
    assert not is_capitals("Ordinary Title Case")
