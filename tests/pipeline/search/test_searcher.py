import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import Lake
from pipeline.search import Searcher, update_index, weak_note
from pipeline.search.evidence import Scale
from pipeline.search.query_encoder import QueryVectors, Spaces, TextPart
from schemas.errors import LakeError
from schemas.search import MOMENT_KINDS, Filter, Hit
from tests.nightly import examples
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT
from tests.pipeline.lake.lakes import COORDINATED, TEXT, analysis, pictureless, publish, wordless


class PlacedEncoder:
    """Returns the vector that the test gives for a query, and zeros for others."""

    spaces = Spaces(coordinated=COORDINATED)
    text_parts = (TextPart(0, TEXT[1], Scale(0.0, 0.1)),)
    image_scale = Scale(0.0, 0.1)

    def __init__(self, **vectors: np.ndarray) -> None:
        self.vectors = vectors

    def texts(self, queries: Sequence[str]) -> QueryVectors:
        spaces = [field.name for field in fields(QueryVectors) if field.name != "languages"]
        none = {name: np.zeros((len(queries), 1), np.float32) for name in spaces}
        text = [self.vectors.get(query, np.zeros(TEXT[1], np.float32)) for query in queries]
        shared = [self.vectors.get(f"picture_{query}", np.zeros(COORDINATED[1], np.float32)) for query in queries]
        return QueryVectors(**none | {"text": np.stack(text), "coordinated": np.stack(shared)})

    def images(self, images: Sequence[np.ndarray]) -> QueryVectors:
        none = self.texts([""] * len(images))
        return replace(none, vision=np.stack([self.vectors["image"]] * len(images)))


def searcher_of(lake: Lake, **vectors: np.ndarray) -> Searcher:
    encoder: Any = PlacedEncoder(**vectors)
    return Searcher(lake, encoder=encoder, refresh_s=0.0)


def searcher_in(filled: Lake, **vectors: np.ndarray) -> Searcher:
    """Do the same for a lake that stays as it is; its moments are read once."""
    made = searcher_of(filled, **vectors)
    made._state = _shared(filled)._current()
    return made


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("search") / "lake"))
    publish(lake, "01", ["v01", "v02"])
    publish(lake, "02", ["v03", "v04"], failed={"v04"})
    return lake


def spans(hits: Sequence[Hit]) -> list[tuple[str, float, float]]:
    return [(hit.video_id, hit.start_s, hit.end_s) for hit in hits]


def test_an_empty_lake_has_no_hits(lake: Lake) -> None:
    assert searcher_of(lake).search("anything") == []


def test_videos_without_speech_and_text_are_found_by_their_frames(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"], made_up=wordless)
    shown = analysis("v02").keyframes[1].coordinated_embedding
    hits = searcher_of(lake, picture_cyclist=shown).search("cyclist")
    assert (hits[0].video_id, hits[0].start_s) == ("v02", 10.0)
    assert hits[0].reasons[0].retriever == "visual"
    update_index(lake)
    assert searcher_of(lake, picture_cyclist=shown).search("cyclist") == hits


def test_audio_files_are_found_by_their_speech(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"], made_up=pictureless)
    hits = searcher_of(lake, cyclist=analysis("v02").transcript.utterances[1].embedding).search("cyclist")
    assert (hits[0].video_id, hits[0].start_s, hits[0].frame_id) == ("v02", 10.0, None)
    update_index(lake)
    assert searcher_of(lake).search("sentence")


def test_speech_is_found_with_its_time_and_matching_words(filled: Lake) -> None:
    hit = searcher_in(filled).search("v02 sentence")[0]
    assert (hit.video_id, hit.start_s, hit.text) == ("v02", 0.0, "Sentence 0 of v02.")
    assert hit.frame_id == "v02-f00000"
    assert hit.headline == "Bicycles in v02"
    reason = hit.reasons[0]
    assert (reason.kind, reason.retriever) == ("speech", "lexical")
    assert [reason.text[start:end] for start, end in reason.spans] == ["Sentence", "v02"]


def test_on_screen_text_is_found_without_accents(filled: Lake) -> None:
    hits = searcher_in(filled).search("STRASSE")
    assert {hit.video_id for hit in hits} == {"v01", "v02", "v03"}
    assert hits[0].reasons[0].kind == "screen"


def test_a_phrase_must_occur_word_by_word(filled: Lake) -> None:
    searcher = searcher_in(filled)
    assert spans(searcher.search('"sentence 1 of v03"')) == [("v03", 10.0, 12.0)]
    assert searcher.search('"v03 of 1 sentence"') == []


def test_a_prefix_is_found(filled: Lake) -> None:
    searcher = searcher_in(filled)
    assert searcher.search("bicyc") == []
    assert searcher.search("bicyc", prefix=True)


def test_meaning_finds_what_words_do_not(filled: Lake) -> None:
    wanted = analysis("v03").transcript.utterances[2].embedding
    assert wanted is not None
    hit = searcher_in(filled, nearby=wanted).search("nearby")[0]
    assert (hit.video_id, hit.start_s) == ("v03", 20.0)
    assert hit.reasons[0].retriever == "semantic"
    assert hit.reasons[0].score == pytest.approx(1.0)


def test_a_frame_is_found_by_its_content(filled: Lake) -> None:
    wanted = analysis("v02").keyframes[1].coordinated_embedding
    assert wanted is not None
    hit = searcher_in(filled, picture_cyclist=wanted).search("cyclist")[0]
    assert (hit.video_id, hit.frame_id, hit.reasons[0].retriever) == ("v02", "v02-f00001", "visual")
    assert hit.reasons[0].text == "bicycle, road"


def test_a_moment_of_several_retrievers_is_one_hit_above_those_of_one(filled: Lake) -> None:
    said = analysis("v03").transcript.utterances[1].embedding
    shown = analysis("v03").keyframes[1].coordinated_embedding
    assert said is not None
    assert shown is not None
    hits = searcher_in(filled, sentence=said, picture_sentence=shown).search("sentence")
    assert (hits[0].video_id, hits[0].start_s) == ("v03", 10.0)
    assert {reason.retriever for reason in hits[0].reasons} == {"lexical", "semantic", "visual"}
    for one in hits:
        for other in hits:
            if one is not other and one.video_id == other.video_id:
                assert one.end_s <= other.start_s or other.end_s <= one.start_s


def test_an_image_finds_similar_frames(filled: Lake) -> None:
    searcher = searcher_in(filled, image=analysis("v01").keyframes[2].embedding)
    hit = searcher.by_image(np.zeros((8, 8, 3), np.uint8))[0]
    assert (hit.video_id, hit.frame_id) == ("v01", "v01-f00002")


def test_similar_moments_exclude_the_moment_itself(filled: Lake) -> None:
    searcher = searcher_in(filled)
    hits = searcher.like("v01", 11.0)
    assert hits
    assert not any(hit.video_id == "v01" and hit.start_s <= 11.0 < hit.end_s for hit in hits)
    with pytest.raises(LakeError, match="no video nowhere"):
        searcher.like("nowhere", 1.0)
    with pytest.raises(LakeError, match="v04 has no frame and no text"):
        searcher.like("v04", 1.0)
    assert searcher.like("v01", 30.0)
    with pytest.raises(LakeError, match="v01 has no frame and no text at 31 s"):
        searcher.like("v01", 31.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filter(videos=("v02",)), {("v02", 0.0), ("v02", 10.0), ("v02", 20.0)}),
        (Filter(videos=("v02",), from_s=12.0), {("v02", 20.0)}),
        (Filter(videos=("v01", "v02"), to_s=10.0), {("v01", 0.0), ("v02", 0.0)}),
        (Filter(videos=("v03",), languages=("EN",), from_s=5.0, to_s=15.0), {("v03", 10.0)}),
        (Filter(topics=("Cycling",), videos=("v01",), to_s=1.0), {("v01", 0.0)}),
        (Filter(kinds=("caption",)), set()),
    ],
)
def test_filters_admit_only_matching_moments(filled: Lake, filters: Filter, found: set[tuple[str, float]]) -> None:
    hits = searcher_in(filled).search("sentence", filters)
    assert {(hit.video_id, hit.start_s) for hit in hits} == found


def test_filters_apply_before_the_limit(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.search.searcher._CANDIDATES", 3)
    hits = searcher_in(filled).search("sentence", Filter(videos=("v03",)), limit=1)
    assert [hit.video_id for hit in hits] == ["v03"]
    hits = searcher_in(filled).search("sentence", Filter(videos=("v03",), from_s=15.0), limit=1)
    assert spans(hits) == [("v03", 20.0, 22.0)]


@given(
    query=st.text(max_size=30) | st.sampled_from(["sentence", "bicycle stop", '"road"', "v01 v02"]),
    filters=st.builds(
        Filter,
        videos=st.lists(st.sampled_from(["v01", "v02", "v04"]), max_size=2).map(tuple),
        kinds=st.lists(st.sampled_from(MOMENT_KINDS), max_size=2).map(tuple),
        languages=st.lists(st.just("en"), max_size=2).map(tuple),
        topics=st.lists(st.just("cycling"), max_size=1).map(tuple),
        from_s=st.none() | st.floats(0, 20),
        to_s=st.none() | st.floats(20, 40),
    ),
    limit=st.integers(1, 30),
    prefix=st.booleans(),
)
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_fails_or_finds_filtered_moments(
    filled: Lake, query: str, filters: Filter, limit: int, prefix: bool
) -> None:
    hits = _shared(filled).search(query, filters, limit, prefix=prefix)
    assert len(hits) <= limit
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert not filters.videos or hit.video_id in filters.videos
        assert filters.from_s is None or hit.end_s > filters.from_s
        assert filters.to_s is None or hit.start_s < filters.to_s
        assert not filters.kinds or {reason.kind for reason in hit.reasons} <= set(filters.kinds)


_KEPT: dict[str, Searcher] = {}


def _shared(lake: Lake) -> Searcher:
    return _KEPT.setdefault(lake.uri, searcher_of(lake, sentence=analysis("v03").scenes[0].text_embedding))


@pytest.mark.slow
@ON_OBJECT_STORES_AT_NIGHT
def test_later_commits_are_found_and_superseded_rows_are_not(any_lake: Lake) -> None:
    searcher = searcher_of(any_lake)
    publish(any_lake, "01", ["v01", "v02"])
    assert {hit.video_id for hit in searcher.search("sentence")} == {"v01", "v02"}
    publish(any_lake, "02", ["v03"])
    publish(any_lake, "03", ["v01"], minutes=1)
    hits = searcher.search("sentence")
    assert sorted(spans(hits)) == [(f"v0{video}", at, at + 2) for video in (1, 2, 3) for at in (0.0, 10.0, 20.0)]
    any_lake.compact()
    assert sorted(spans(searcher.search("sentence"))) == sorted(spans(hits))


@pytest.mark.slow
def test_after_many_commits_the_largest_segment_is_not_read_again(lake: Lake) -> None:
    publish(lake, "01", [f"v{number:02}" for number in range(1, 9)])
    searcher = searcher_of(lake)
    searcher.search("sentence")
    largest = searcher._current().segments[0]
    for number in range(9, 14):
        publish(lake, f"{number:02}", [f"v{number:02}"])
        assert len({hit.video_id for hit in searcher.search("sentence", limit=100)}) == number
        assert len(searcher._current().segments) <= 6
    assert searcher._current().segments[0] is largest


def test_a_lake_that_is_unreadable_for_a_while_is_searched_as_last_seen(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(lake, "01", ["v01"])
    searcher = searcher_of(lake)
    before = searcher.search("sentence")
    publish(lake, "02", ["v02"])

    def fails(*_: object) -> None:
        raise LakeError("The network is down.")

    with monkeypatch.context() as patch:
        patch.setattr(type(lake), "read", fails)
        assert searcher.search("sentence") == before
        assert "The network is down" in searcher.notes[0]
        with pytest.raises(LakeError, match="network is down"):
            searcher_of(lake).search("sentence")
    assert {hit.video_id for hit in searcher.search("sentence")} == {"v01", "v02"}
    assert searcher.notes == ()


@pytest.mark.slow
def test_threads_search_while_videos_are_committed(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    searcher = searcher_of(lake)
    stop = threading.Event()
    seen: list[set[str]] = []
    problems: list[BaseException] = []

    def ask() -> None:
        try:
            while not stop.wait(0.02):  # the writer needs the processor, too
                seen.append({hit.video_id for hit in searcher.search("sentence", limit=50)})
        except BaseException as error:  # noqa: BLE001 - handed to the test
            problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(2, 6):
        publish(lake, f"0{number}", [f"v0{number}"])
    lake.compact()
    stop.set()
    for thread in threads:
        thread.join()
    assert not problems
    assert seen
    assert all("v01" in each for each in seen)
    assert {hit.video_id for hit in searcher.search("sentence", limit=50)} == {f"v0{number}" for number in range(1, 6)}


@pytest.mark.slow
def test_models_are_reloaded_only_if_the_lakes_models_change(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Mock(side_effect=lambda _: PlacedEncoder())
    monkeypatch.setattr("pipeline.search.searcher.QueryEncoder.of_connection", made)
    publish(lake, "01", ["v01"])
    searcher = Searcher(lake, refresh_s=0.0)
    for shard, video in (("02", "v02"), ("03", "v03")):
        assert searcher.search("sentence")
        publish(lake, shard, [video])
    assert len(searcher.search("sentence", limit=50)) == 9
    assert made.call_count == 1
    publish(lake, "04", ["v01"], revision="e" * 16, minutes=1)
    assert len(searcher.search("sentence", limit=50)) == 9
    assert made.call_count == 2


def test_a_lake_can_be_searched_from_python_in_one_call(filled: Lake, tmp_path: Path) -> None:
    del tmp_path
    table = Lake(filled.uri).search("sentence", videos="v01", kinds=["speech"], limit=2)
    assert table["video_id"].to_pylist() == ["v01", "v01"]
    assert table["reasons"][0][0]["text"].as_py() == "Sentence 0 of v01."
    assert table.to_pandas()["start_s"].tolist() == [0.0, 10.0]


def test_subtitles_are_found_by_words_and_by_meaning_and_name_their_source(filled: Lake) -> None:
    line = analysis("v01").subtitles[0]
    searcher = searcher_in(filled, wort=line.embedding)
    for query in ("satz null", "wort"):
        hit = searcher.search(query, Filter(videos=("v01",), kinds=("subtitle",)))[0]
        assert (hit.start_s, hit.text, hit.reasons[0].kind, hit.reasons[0].source) == (
            0.5, "Satz null von v01.", "subtitle", "track 2",
        )  # fmt: skip


def test_a_result_says_if_nothing_in_it_matches_well(filled: Lake) -> None:
    said = analysis("v03").transcript.utterances[2].embedding
    assert said is not None
    aside = np.zeros_like(said)
    aside[np.argmin(np.abs(said))] = 1.0
    faint = 0.15 * said + np.sqrt(1 - 0.15**2) * (aside - (aside @ said) * said)
    searcher = searcher_in(filled, nearby=said, remote=(faint / np.linalg.norm(faint)).astype(np.float32))
    near, far = searcher.search("nearby"), searcher.search("remote")
    assert weak_note(near) is None
    assert far[0].score < near[0].score
    assert weak_note([replace(far[0], score=0.1)]) == "Nothing matches well. These are the closest moments."
    assert weak_note([]) is None


def test_a_rare_word_on_screen_comes_before_what_only_means_something_like_it(filled: Lake) -> None:
    elsewhere = analysis("v03").transcript.utterances[2].embedding
    hits = searcher_in(filled, v01=0.6 * elsewhere).search("v01")
    assert hits[0].video_id == "v01"
    assert hits[0].reasons[0].retriever == "lexical"
