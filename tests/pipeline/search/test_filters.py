from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import Lake
from pipeline.search import Searcher, check_query, make_filter, update_index
from schemas.errors import ConfigurationError, FilterError, LakeError, VideolakeError
from schemas.records import Analysis, Entity, Occurrence, Sound, frame_id, utterance_id
from schemas.search import MOMENT_KINDS, Filter
from tests.nightly import examples
from tests.pipeline.lake.lakes import analysis, publish
from tests.pipeline.search.test_searcher import PlacedEncoder


def spoken(video_id: str) -> Analysis:
    """Ann says the first sentence, Bob the others."""
    made = analysis(video_id)
    utterances = tuple(replace(each, speaker="Bob" if each.index else "Ann") for each in made.transcript.utterances)
    return replace(made, transcript=replace(made.transcript, utterances=utterances), entities=named(video_id))


def named(video_id: str) -> tuple[Entity, ...]:
    """Angela Merkel is mentioned in the first two sentences of the first video, and Paris is on screen in both."""
    spoken_at = ((0, 0.0, "Angela Merkel"), (1, 10.0, "Merkel"))
    said = tuple(
        Occurrence("speech", utterance_id(video_id, index), start_s, start_s + 1, text)
        for index, start_s, text in spoken_at
    )
    seen = Occurrence("screen", frame_id(video_id, 0), 0.0, 5.0, "PARIS")
    people = (Entity(0, "Angela Merkel", "person", "angela merkel", "Q567", said),) if video_id == "v01" else ()
    return (*people, Entity(1, "Paris", "place", "paris", None, (seen,)))


@pytest.fixture(scope="module", params=["in memory", "indexed"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.create(str(tmp_path_factory.mktemp("filters") / "lake"))
    publish(made, "01", ["v01", "v02"], made_up=spoken)
    if request.param == "indexed":
        update_index(made)
    return made


@pytest.fixture(scope="module")
def searcher(lake: Lake) -> Searcher:
    encoder: Any = PlacedEncoder()
    return Searcher(lake, encoder=encoder)


def found(lake: Lake, **filters: Any) -> list[tuple[str, float]]:
    table = lake.search("sentence", **filters)
    return sorted(zip(table["video_id"].to_pylist(), table["start_s"].to_pylist(), strict=True))


V01 = [("v01", 0.0), ("v01", 10.0), ("v01", 20.0)]


@pytest.mark.parametrize("name", ["Angela Merkel", "angela merkel", "MERKEL", "Q567", ["nobody", "Merkel"]])
def test_a_name_is_accepted_in_any_spelling_or_by_its_wikidata_id(lake: Lake, name: str | Sequence[str]) -> None:
    assert found(lake, entities=name) == V01[:2]


def test_a_name_and_its_kind_must_belong_together(lake: Lake, searcher: Searcher) -> None:
    assert found(lake, entity_kinds="Person") == V01[:2]
    assert found(lake, entities="Merkel", entity_kinds=["place", "person"], videos="v01") == V01[:2]
    assert found(lake, entities="Merkel", entity_kinds="place", videos="v01") == []
    shown = searcher.search("a cat", make_filter(entities="paris", entity_kinds="place"), 50)
    assert {hit.video_id for hit in shown} <= {"v01", "v02"}
    assert {reason.kind for hit in shown for reason in hit.reasons} <= {"screen", "caption", "frame"}


def test_a_name_that_no_moment_has_is_refused_with_those_there_are(lake: Lake) -> None:
    with pytest.raises(
        FilterError, match=r"no moment has the name 'Mozart'.*'angela merkel'.*'q567'".replace("no", "No")
    ):
        found(lake, entities="Mozart")
    with pytest.raises(ConfigurationError, match=r"no kind of name 'river'.*person, place"):
        found(lake, entity_kinds="river")


def test_a_moment_counts_with_its_scene_although_the_scene_begins_without_the_name(lake: Lake) -> None:
    encoder: Any = PlacedEncoder(sentence=analysis("v01").transcript.utterances[1].embedding)
    searcher = Searcher(lake, encoder=encoder)
    [said] = searcher.search("sentence", make_filter(kinds="speech", videos="v01"), limit=1)
    [named] = searcher.search("sentence", make_filter(entities="Angela Merkel"), limit=1)
    assert named.start_s == said.start_s == 10.0
    assert named.score == pytest.approx(said.score)


def test_objects_are_those_of_the_moments_keyframe_with_at_least_their_number(lake: Lake) -> None:
    assert found(lake, objects="bicycle", videos="v01") == V01
    assert found(lake, objects="Person", videos="v01") == V01[1:]
    assert found(lake, objects=["person:2", "bicycle"], videos="v01") == V01[2:]
    assert found(lake, objects="person:2") == [("v01", 20.0), ("v02", 20.0)]
    kinds = lake.search("person", kinds="object", videos="v01", objects="person:2")
    assert kinds["text"].to_pylist() == ["person (2), bicycle"]


def test_a_sound_is_heard_for_a_second_of_the_moment_or_half_of_it(tmp_path: Path) -> None:
    def with_sounds(video_id: str) -> Analysis:
        made = analysis(video_id)
        first, second, third = made.transcript.utterances
        spoken_s = [replace(first, end_s=4.0), replace(second, end_s=10.4), replace(third, end_s=24.0)]
        return replace(
            made,
            transcript=replace(made.transcript, utterances=tuple(spoken_s)),
            sounds=(
                Sound(0, 3.5, 5.0, "Music", 0.9),  # half a second of the first sentence
                Sound(1, 10.0, 10.3, "Music", 0.9),  # most of the second, which is short
                Sound(2, 20.0, 21.5, "applause", 0.9),
            ),
        )

    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ["v01"], made_up=with_sounds)
    for _ in ("in memory", "indexed"):
        assert found(lake, sounds="music", kinds="speech") == V01[1:2]
        assert found(lake, sounds=["MUSIC", "applause"], kinds="speech") == V01[1:]
        with pytest.raises(FilterError, match=r"No moment has the sound 'siren'. The sounds are: 'applause', 'music'"):
            found(lake, sounds="siren")
        update_index(lake)


def test_objects_that_no_keyframe_shows_or_that_mean_nothing_are_refused(lake: Lake) -> None:
    with pytest.raises(
        FilterError, match=r"No keyframe shows the object 'zebra'. The objects are: 'bicycle', 'person'"
    ):
        found(lake, objects="zebra")
    with pytest.raises(FilterError, match=r"No keyframe shows 3 objects 'person' at once, but at most 2"):
        found(lake, objects="person:3")
    for text in ("person:", "person:none", "person:0", ":2", " ", "person:-1", "person:" + 5000 * "9"):
        with pytest.raises(ConfigurationError, match=r"is not an object. Give a label such as 'person'"):
            make_filter(objects=text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["v01", "v01.mp4", "/archive/v01.mp4", "/archive/copies/v01.mp4", ["v01.mp4", "v01"]])
def test_a_video_is_accepted_by_any_of_its_names(lake: Lake, name: str | Sequence[str]) -> None:
    assert found(lake, videos=name) == V01


def test_languages_speakers_topics_and_kinds_ignore_case(lake: Lake) -> None:
    assert found(lake, languages="EN", topics="CYCLING", kinds="Speech", videos="v01") == V01
    assert found(lake, speakers="ann") == [("v01", 0.0), ("v02", 0.0)]
    assert found(lake, speakers=["ANN", "bob"], videos="v01") == V01


def test_times_are_seconds_or_clock_times(lake: Lake) -> None:
    assert found(lake, videos="v01", from_s="0:15") == found(lake, videos="v01", from_s=15) == V01[2:]
    assert found(lake, videos="v01", to_s="0:00:05.5") == V01[:1]
    assert found(lake, videos="v01", from_s=11, to_s=11) == V01[1:2]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"language": "en"}, "no filter 'language'. The filters are: videos, languages,"),
        ({"kinds": "foo"}, "no kind of moment 'foo'. The kinds are: speech,"),
        ({"from_s": "noon"}, "'noon' is not a time"),
        ({"from_s": [1.0]}, "takes seconds"),
        ({"to_s": float("nan")}, "takes seconds"),
        ({"from_s": 40, "to_s": "0:20"}, "from 40 s to 20 s"),
        ({"videos": 3}, "takes one name or several"),
        ({"speakers": ["Ann", 3]}, "takes one name or several"),
        ({"limit": 0}, "not 0: it is the maximum"),
        ({"limit": -1}, "not -1: it is the maximum"),
        ({"limit": 2.5}, "whole number"),
    ],
)
def test_an_invalid_filter_is_refused(lake: Lake, filters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        lake.search("sentence", **filters)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"languages": "xx"}, "language 'xx'. The languages are: 'de', 'en'"),
        ({"speakers": ["Ann", "nobody"]}, "No moment has the speaker 'nobody'. The speakers are: 'Ann', 'Bob'"),
        ({"topics": "foo"}, "No moment has the topic 'foo'. The topics are: .*'cycling'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(lake: Lake, filters: dict[str, Any], message: str) -> None:
    with pytest.raises(FilterError, match=message):
        lake.search("sentence", **filters)


def test_an_unknown_video_is_refused_with_similar_names(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"no video v03\.mp4 .*names: v0[12]\.mp4"):
        lake.search("sentence", videos="v03.mp4")


def test_searcher_and_lake_accept_the_same_filters(searcher: Searcher) -> None:
    sloppy: Any = {"videos": "v01.mp4", "kinds": ["SPEECH"], "from_s": "0:15"}
    assert [(hit.video_id, hit.start_s) for hit in searcher.search("sentence", Filter(**sloppy))] == V01[2:]
    with pytest.raises(FilterError, match="'nobody'"):
        searcher.like("v01", 11.0, Filter(speakers=("nobody",)))
    with pytest.raises(ConfigurationError, match="not 0: it is the maximum"):
        searcher.like("v01", 11.0, limit=0)


def test_in_a_lake_without_moments_nothing_is_found_by_any_filter(tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = Lake.create(str(tmp_path_factory.mktemp("empty") / "lake"))
    assert empty.search("sentence", languages="en", speakers="Ann", topics="cycling").num_rows == 0


def test_a_huge_limit_finds_everything(searcher: Searcher) -> None:
    assert len(searcher.search("sentence", limit=10**12)) == 6


@pytest.mark.parametrize("query", ["", " \n", "!?", "\N{BICYCLE}"])
def test_a_query_without_a_word_is_refused(lake: Lake, query: str) -> None:
    with pytest.raises(ConfigurationError, match=r"query is empty|has no word in"):
        lake.search(query)
    with pytest.raises(ConfigurationError):
        check_query(query)


@given(
    st.dictionaries(
        st.sampled_from(["videos", "languages", "topics", "speakers", "kinds", "from_s", "to_s", "x"]),
        st.none() | st.text(max_size=8) | st.lists(st.text(max_size=4), max_size=2) | st.floats(),
    )
)
@settings(max_examples=examples(50))
def test_any_filter_is_accepted_or_refused_with_a_message(given_filters: dict[str, Any]) -> None:
    try:
        made = make_filter(**given_filters)
    except ConfigurationError:
        return
    assert set(made.kinds) <= set(MOMENT_KINDS)
    assert all(isinstance(each, str) for each in made.videos)


@pytest.mark.slow
@given(st.sampled_from(["videos", "languages", "topics", "speakers"]), st.text(max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_is_accepted_or_refused_with_a_message(searcher: Searcher, field: str, name: str) -> None:
    filters: Any = {field: (name,)}
    with suppress(VideolakeError):
        searcher.search("sentence", Filter(**filters))
