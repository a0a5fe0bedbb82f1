"""A forgotten video leaves the search index, too."""

from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.lake import forgetting as module
from pipeline.search import remove_from_index, update_index
from pipeline.search.index import _existing
from schemas.search import Filter
from tests.nightly import nightly
from tests.pipeline.lake.lakes import analysis, publish
from tests.pipeline.lake.remains import remains
from tests.pipeline.search.test_searcher import searcher_of

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def separate_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "cache"))


def found(lake: Lake, query: str) -> set[str]:
    said = analysis("v03").transcript.utterances[1].embedding
    assert said is not None
    searcher = searcher_of(lake, sentence=said, v01=said)
    try:
        return {hit.video_id for hit in searcher.search(query, Filter(kinds=("speech",)))}
    finally:
        searcher.close()


# The tests below do the same on disk.
@pytest.mark.parametrize(
    "any_folder", [pytest.param("object store", marks=pytest.mark.s3), nightly("disk")], indirect=True
)
def test_the_index_is_rebuilt_without_the_video_and_segments_without_it_stay(
    any_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.search.index._MERGE_FACTOR", 0)  # so that there are two segments
    publish(any_lake, "01", ["v01", "v02"])
    update_index(any_lake)
    publish(any_lake, "02", ["v03"], minutes=1)
    update_index(any_lake)
    before = any_lake.search_files.names()
    assert found(any_lake, "sentence") == {"v01", "v02", "v03"}  # on an object store, this fills the cache
    done = any_lake.forget(["v01"], clear_index=lambda videos: remove_from_index(any_lake, videos))
    after = any_lake.search_files.names()
    assert done.segments == 1
    assert len(set(before) & set(after)) == 2  # the manifest, and the segment of v03
    assert [set(each.alive) for each in _existing(any_lake.search_files, verify=True)[0]] == [{"v03"}, {"v02"}]
    assert found(any_lake, "sentence") == {"v02", "v03"}
    assert remains(any_lake, "v01") == {}
    cached = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not [path for path in cached if b"Sentence 1 of v01." in path.read_bytes()]


def test_queries_beside_it_see_the_other_videos(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.search.index._MERGE_FACTOR", 0)
    publish(lake, "01", ["v01", "v02"])
    update_index(lake)
    publish(lake, "02", ["v03"], minutes=1)
    update_index(lake)
    assert remove_from_index(lake, ["v01"]) == 1
    assert lake.sql("FROM videos").num_rows == 3


def test_a_searcher_that_is_open_leaves_the_video_out_at_once(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"])
    update_index(lake)
    said = analysis("v02").transcript.utterances[1].embedding
    assert said is not None
    searcher = searcher_of(lake, sentence=said)
    assert {hit.video_id for hit in searcher.search("sentence")} == {"v01", "v02"}
    module.hide(lake._log, lake.held(["v01"]))
    searcher.refresh()
    assert {hit.video_id for hit in searcher.search("sentence")} == {"v02"}
    lake.clean()  # which removes the whole index
    assert lake.search_files.names() == []
    searcher.refresh()
    assert {hit.video_id for hit in searcher.search("sentence")} == {"v02"}


def test_what_a_killed_build_of_the_index_has_left_is_removed(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"])
    update_index(lake)
    lake._store.remove("_search/manifest.json")
    lake.forget(["v01"], clear_index=lambda videos: remove_from_index(lake, videos))
    assert lake.search_files.names() == []
