"""Which occurrences of names are one entity."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.entities.forms import normal_form, trimmed, without_title
from pipeline.analysis.entities.merging import FoundName, merged
from pipeline.analysis.gazetteer import Gazetteer, KnownName
from schemas.entities import ENTITY_KINDS, EntityKind
from schemas.records import Occurrence

NONE = Gazetteer()


def said(*names: str, kind: EntityKind = "person") -> list[FoundName]:
    return [
        FoundName(name, kind, Occurrence("speech", f"u{index}", float(index), index + 1.0, name))
        for index, name in enumerate(names)
    ]


def texts(found: list[FoundName], gazetteer: Gazetteer = NONE) -> list[str]:
    return [each.text for each in merged(found, gazetteer)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the Eiffel Tower's", "Eiffel Tower"),
        ("“War and Peace”,", "War and Peace"),
        ("U.S.", "U.S."),
        ("London.", "London"),
        ("the Beatles'", "Beatles"),
        ("J. K. Rowling", "J. K. Rowling"),
        ("...", ""),
    ],
)
def test_articles_possessives_and_marks_do_not_belong_to_a_name(text: str, name: str) -> None:
    start, end = trimmed(text, 0, len(text))
    assert text[start:end] == name


@given(st.text(max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_what_is_left_of_a_span_lies_within_it(text: str, one: int, other: int) -> None:
    first, last = sorted((min(one, len(text)), min(other, len(text))))
    start, end = trimmed(text, first, last)
    assert first <= start <= end <= last
    assert trimmed(text, start, end) == (start, end)


@given(st.text(min_size=1, max_size=20), st.sampled_from(ENTITY_KINDS))
def test_a_normal_form_is_its_own_normal_form_and_never_empty(text: str, kind: EntityKind) -> None:
    normal = normal_form(text, kind)
    assert normal_form(normal, kind) == normal
    assert normal or not text.strip()


def test_titles_are_no_names() -> None:
    assert without_title("Mrs. Smith") == ("mrs", "Smith")
    assert without_title("Prof. Dr. Ada Lovelace") == ("dr", "Ada Lovelace")
    assert without_title("Major") == ("", "Major")


def test_names_that_differ_in_case_article_or_possessive_are_one() -> None:
    found = said("Eiffel Tower", "EIFFEL TOWER", "the Eiffel Tower", "Eiffel Tower's", kind="place")
    [entity] = merged(found, NONE)
    assert (entity.text, entity.normal, len(entity.occurrences)) == ("Eiffel Tower", "eiffel tower", 4)


@pytest.mark.parametrize(
    "names",
    [("Merkel", "Angela Merkel"), ("Mr Smith", "John Smith"), ("Angela", "Angela Merkel", "Merkel"),
     ("John Kennedy", "John F. Kennedy", "Kennedy"), ("Mrs Jane Smith", "Mrs Smith")],
)  # fmt: skip
def test_a_part_of_a_name_belongs_to_the_only_person_with_it(names: tuple[str, ...]) -> None:
    assert len(merged(said(*names), NONE)) == 1


@pytest.mark.parametrize(
    "names",
    [("Mrs Smith", "John Smith"), ("Curie", "Marie Curie", "Pierre Curie"), ("Mr Smith", "Mrs Smith"),
     ("Ann Lee", "Ann Leeson"), ("John Smith", "John Paul Smith"), ("Mr Smith", "Mrs Jane Smith")],
)  # fmt: skip
def test_when_in_doubt_two_names_stay_two(names: tuple[str, ...]) -> None:
    assert len(merged(said(*names), NONE)) == len(names)


def test_a_family_name_that_is_also_a_place_stays_by_itself() -> None:
    found = [*said("George Washington"), *said("Washington", kind="place")]
    assert sorted((each.kind, each.text) for each in merged(found, NONE)) == [
        ("person", "George Washington"),
        ("place", "Washington"),
    ]


def test_the_kind_is_the_one_found_most_often_and_speech_counts_more_than_slides() -> None:
    slide = Occurrence("screen", "f0", 0.0, 1.0, "Boeing")
    found = [FoundName("Boeing", "person", slide), *said("Boeing", kind="organisation")]
    [entity] = merged(found, NONE)
    assert (entity.kind, [each.source for each in entity.occurrences]) == ("organisation", ["screen", "speech"])


def test_dates_are_one_if_their_iso_form_is() -> None:
    [entity] = merged(said("3 March 2020", "March 3rd, 2020", kind="date"), NONE)
    assert entity.normal == "2020-03-03"


MERKEL = KnownName("Angela Merkel", "person", "Q567", ("Angela Dorothea Kasner", "the Chancellor"))


def test_the_gazetteer_gives_the_name_and_its_id_and_joins_aliases() -> None:
    [entity] = merged(said("Merkel", "Angela Merkel", "Angela Dorothea Kasner"), Gazetteer((MERKEL,)))
    assert (entity.text, entity.normal, entity.wikidata_id) == ("Angela Merkel", "angela merkel", "Q567")
    assert len(entity.occurrences) == 3


def test_a_name_of_two_entries_of_the_gazetteer_gets_no_id() -> None:
    springfield = [KnownName("Springfield", "place", f"Q{number}") for number in (1, 2)]
    [entity] = merged(said("Springfield", kind="place"), Gazetteer(tuple(springfield)))
    assert entity.wikidata_id is None


names_of_people = st.lists(
    st.tuples(
        st.sampled_from(["Mr", "Mrs", "Dr", "", ""]),
        st.sampled_from(["Ann", "Bob", ""]),
        st.sampled_from(["Lee", "Ray"]),
    ),
    max_size=8,
).map(lambda drawn: [" ".join(filter(None, parts)) for parts in drawn])


@given(names_of_people)
def test_no_occurrence_is_lost_or_counted_twice(names: list[str]) -> None:
    entities = merged(said(*names), NONE)
    assert sorted(each.id for entity in entities for each in entity.occurrences) == sorted(
        f"u{n}" for n in range(len(names))
    )
    assert [entity.index for entity in entities] == list(range(len(entities)))
    assert len({(entity.kind, entity.normal) for entity in entities}) == len(entities)


def test_rows_of_the_gazetteer_that_are_equal_or_have_one_id_are_one_name() -> None:
    rows = (MERKEL, MERKEL, KnownName("Merkel", "person", "Q567"))
    [entity] = merged(said("Merkel", "Angela Dorothea Kasner"), Gazetteer(rows))
    assert (entity.wikidata_id, len(entity.occurrences)) == ("Q567", 2)


def test_names_on_one_frame_are_in_the_same_order_in_every_process() -> None:
    spellings = [f"Kasner {letter}" for letter in "abcdefgh"]
    known = Gazetteer((KnownName("Angela Merkel", "person", "Q567", tuple(spellings)),))
    found = [FoundName(each, "person", Occurrence("screen", "f0", 0.0, 1.0, each)) for each in reversed(spellings)]
    [entity] = merged(found, known)
    assert [each.text for each in entity.occurrences] == spellings


def test_thousands_of_people_are_merged_at_once() -> None:
    found = said(*(f"First{number} Last{number}" for number in range(4000)), *(f"Last{n}" for n in range(4000)))
    assert len(merged(found, NONE)) == 4000


def test_a_name_is_doubtful_if_nothing_confirms_what_was_heard_uncertainly() -> None:
    def doubtful(*found: FoundName, gazetteer: Gazetteer = NONE) -> list[bool]:
        return [entity.doubtful for entity in merged(found, gazetteer)]

    [unsure] = (replace(each, probability=0.3) for each in said("Lion400M", kind="work"))
    assert doubtful(unsure) == [True]
    assert doubtful(replace(unsure, probability=0.6)) == [False]
    assert doubtful(unsure, unsure) == [True], "found twice in one place is said once"
    again = replace(unsure, occurrence=replace(unsure.occurrence, id="u9", start_s=50.0, end_s=51.0))
    assert doubtful(unsure, again) == [False]
    written = replace(unsure, occurrence=replace(unsure.occurrence, source="screen", id="f1"))
    assert doubtful(unsure, written) == doubtful(written) == [False]
    assert doubtful(replace(unsure, from_gazetteer=True)) == [False]
    assert doubtful(unsure, gazetteer=Gazetteer((KnownName("Lion400M", "work", None),))) == [False]
    assert doubtful(replace(said("May 2020", kind="date")[0], probability=0.1)) == [False]
