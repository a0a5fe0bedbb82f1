"""Gazetteers: what is read, and what is refused with the line and the reason."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.entities import KnownNames
from pipeline.analysis.gazetteer import Gazetteer, KnownName, gazetteer_info, load_gazetteer
from schemas.errors import ConfigurationError
from tests.nightly import examples

GOOD = "name,kind,wikidata_id,aliases\nAngela Merkel,person,Q567,Merkel|Angela Kasner\nLAION-400M,work,,\n"


def written(folder: Path, content: str | bytes) -> str:
    file = folder / "names.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


def test_names_kinds_ids_and_aliases_are_read(tmp_path: Path) -> None:
    assert load_gazetteer(written(tmp_path, GOOD)).names == (
        KnownName("Angela Merkel", "person", "Q567", ("Merkel", "Angela Kasner")),
        KnownName("LAION-400M", "work", None),
    )


@pytest.mark.parametrize(
    "content",
    ["kind,name\nplace,Paris\n", "\ufeffName, Kind\r\nParis,PLACE\r\n\r\n", 'name,kind\n"Paris",place\n,\n',
     "\ufeffname;kind;wikidata_id\r\nParis;place;\r\n", "name\tkind\nParis\tplace\n"],
)  # fmt: skip
def test_columns_may_be_in_any_order_and_excel_may_have_written_the_file(tmp_path: Path, content: str) -> None:
    assert load_gazetteer(written(tmp_path, content)).names == (KnownName("Paris", "place", None),)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "lacks the column name"),
        ("name\nParis\n", "lacks the column kind"),
        ("name,kind,colour\nParis,place,red\n", "unknown column 'colour'"),
        ("name,kind,name\n", "column twice"),
        ("name,kind\nParis,city\n", "line 2: the kind is 'city'"),
        ("name,kind\nParis, France,place\n", "line 2: 3 cells instead of 2"),
        ("name,kind\nParis\n", "line 2: 1 cells instead of 2"),
        ("name,kind,wikidata_id\nParis,place,90\n", "Wikidata id is '90'"),
        ("name,kind,wikidata_id\nParis,place,Q90\x00\n", "line 2"),
        ("name,kind,wikidata_id\nParis,place,javascript:alert(1)\n", "must be like Q567"),
        ("name,kind\n...,place\n", "no letter or digit"),
        ('name,kind\n"Pa\nris",place\n', "control character"),
        (f"name,kind\n{'x' * 201},place\n", "longer than 200"),
        (f'name,kind\n"{"x" * 200_000}",place\n', "not valid CSV"),
        ('name,kind\n"Paris,place\n', "not valid CSV"),
        (b"name,kind\nM\xfcnchen,place\n", "not text in UTF-8"),
    ],
)
def test_a_hostile_file_is_refused_with_the_reason(tmp_path: Path, content: str | bytes, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^entities\.gazetteer: ") as refused:
        load_gazetteer(written(tmp_path, content))
    assert problem in str(refused.value)


@pytest.mark.parametrize("path", ["nothing.csv", ".", "/dev/zero", "a\0b"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="gazetteer"):
        load_gazetteer(path)


@settings(max_examples=examples(50))
@given(content=st.binary(max_size=80) | st.text(st.sampled_from('name,kind\n"|Qx\0'), max_size=60).map(str.encode))
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "names.csv"
    file.write_bytes(content)
    with suppress(ConfigurationError):
        assert all(known.name for known in load_gazetteer(str(file)).names)


def test_its_digest_depends_on_its_content_alone(tmp_path: Path) -> None:
    first, other = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    other.mkdir()
    info = gazetteer_info(written(first, GOOD))
    assert (info.role, info.id) == ("gazetteer", "names.csv")
    assert gazetteer_info(written(other, GOOD)).digest == info.digest
    assert gazetteer_info(written(other, GOOD + "Paris,place,Q90,\n")).digest != info.digest


KNOWN = KnownNames(
    Gazetteer(
        (
            KnownName("Angela Merkel", "person", "Q567", ("Merkel",)),
            KnownName("Apple", "organisation", "Q312"),
            KnownName("New York", "place", None),
            KnownName("東京", "place", "Q1490"),
            KnownName("LAION-400M", "work", None),
        )
    )
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Merkel's office and Angela Merkel.", ["Merkel", "Angela Merkel"]),
        ("an apple from Apple", ["Apple"]),
        ("ANGELA MERKEL AND APPLE", ["ANGELA MERKEL", "APPLE"]),
        ("we went to new york", ["new york"]),
        ("He was new. York is old.", []),
        ("the laion 400m data", ["laion 400m"]),
        ("昨日は東京へ行きました", ["東京"]),
        ("Merkelian", []),
    ],
)
def test_names_of_the_gazetteer_are_found_in_text(text: str, names: list[str]) -> None:
    assert [text[span.start : span.end] for span in KNOWN.spans(text)] == names


def test_thousands_of_names_may_begin_with_the_same_word() -> None:
    names = KnownNames(Gazetteer(tuple(KnownName(f"The Club {n}", "organisation", None) for n in range(50_000))))
    text = "the people of the town met The Club 7 " * 200
    assert [text[each.start : each.end] for each in names.spans(text)] == ["The Club 7"] * 200
