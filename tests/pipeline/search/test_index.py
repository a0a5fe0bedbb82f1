import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.lake import Lake
from pipeline.search import Searcher, index_if_large, update_index
from pipeline.search.ivf import IvfIndex, build_ivf
from pipeline.search.manifest import StoredFile
from pipeline.search.rows import Vectors
from pipeline.search.vectors import ExactIndex
from schemas.config import SearchConfig
from schemas.search import Filter, Hit
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT, copied
from tests.pipeline.lake.lakes import analysis, publish
from tests.pipeline.search.test_searcher import searcher_of

Answers = list[list[tuple[object, ...]]]
Indexed = tuple[Lake, Answers]
QUERIES = ("sentence", "v03", '"stop strasse"', "bicycle road v01")


@pytest.fixture(autouse=True)
def separate_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "cache"))


def make_searcher(lake: Lake) -> Searcher:
    said = analysis("v03").transcript.utterances[1].embedding
    assert said is not None
    return searcher_of(lake, sentence=said, v03=said)


def answers(searcher: Searcher) -> Answers:
    return [
        [_seen(hit) for hit in searcher.search(query, filters)]
        for query in QUERIES
        for filters in (Filter(), Filter(kinds=("speech",), from_s=5.0))
    ]


def _seen(hit: Hit) -> tuple[object, ...]:
    # The rows of superseded videos count in the rarity of words until their segment is made anew, so what follows from
    # it is not compared: BM25, and with it the score of the whole hit.
    reasons = [
        (each.kind, each.retriever, each.text, each.rank, round(each.score, 3) if each.retriever != "lexical" else 0.0)
        for each in hit.reasons
    ]
    return hit.video_id, hit.start_s, hit.end_s, hit.text, hit.frame_id, reasons


def segments(searcher: Searcher) -> list[str]:
    return [segment.name for segment in searcher._current().segments]


@pytest.fixture(scope="module")
def first_indexed(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    """An indexed lake of two videos, and what is found in it without the index. Tests take copies of it."""
    lake = Lake.create(str(tmp_path_factory.mktemp("indexed") / "lake"))
    publish(lake, "01", ["v01", "v02"])
    expected = answers(make_searcher(lake))
    update_index(lake)
    return lake, expected


@pytest.fixture
def indexed(first_indexed: Indexed, tmp_path: Path) -> Indexed:
    """A copy of that lake, and what is found in it."""
    return copied(first_indexed[0], tmp_path / "indexed"), first_indexed[1]


def tree(lake: Lake) -> list[Path]:
    return sorted(Path(lake.uri, "_search").rglob("*"))


@pytest.mark.slow
@ON_OBJECT_STORES_AT_NIGHT
def test_the_index_gives_the_same_results_as_the_tables(any_lake: Lake) -> None:
    publish(any_lake, "01", ["v01", "v02", "v03"], failed={"v02"})
    exact = answers(make_searcher(any_lake))
    done = update_index(any_lake)
    assert (done.videos, done.moments) == (2, 28)
    searcher = make_searcher(any_lake)
    assert answers(searcher) == exact
    assert all(segments(searcher))
    assert searcher.notes == ()


@pytest.mark.slow
def test_an_updated_index_equals_a_rebuilt_one(lake: Lake) -> None:
    publish(lake, "01", [f"v{number:02d}" for number in range(1, 9)])
    assert update_index(lake).videos_read == 8
    publish(lake, "02", ["v09"])
    done = update_index(lake)
    assert (done.videos_read, done.segments) == (1, 2)
    publish(lake, "03", ["v03"], minutes=1)
    assert update_index(lake).videos_read == 2
    assert update_index(lake).videos_read == 0
    grown = answers(make_searcher(lake))
    assert update_index(lake, rebuild=True).segments == 1
    assert answers(make_searcher(lake)) == grown
    assert len(lake.search_files.names()) == 2


@pytest.mark.slow
@ON_OBJECT_STORES_AT_NIGHT
def test_commits_after_the_index_are_found_with_a_note(any_lake: Lake) -> None:
    publish(any_lake, "01", ["v01", "v02"])
    searcher = make_searcher(any_lake)
    before = answers(searcher)
    update_index(any_lake)
    assert answers(searcher) == before
    publish(any_lake, "02", ["v03"])
    publish(any_lake, "03", ["v01"], minutes=1)
    found = searcher.search("sentence", limit=50)
    assert {hit.video_id for hit in found} == {"v01", "v02", "v03"}
    assert len(found) == 9
    assert "`videolake index` adds them" in searcher.notes[0]
    update_index(any_lake)
    assert sorted(map(_seen, searcher.search("sentence", limit=50))) == sorted(map(_seen, found))
    assert searcher.notes == ()


def test_compaction_and_cleaning_keep_the_index(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    publish(lake, "02", ["v02"])
    update_index(lake)
    before = tree(lake)
    lake.compact()
    lake.clean()
    assert tree(lake) == before
    searcher = make_searcher(lake)
    assert searcher.search("sentence")
    assert all(segments(searcher))


@pytest.mark.slow
def test_killing_an_update_at_any_point_changes_no_result(
    indexed: Indexed, kill_after: Callable[[Callable[[], object], int], bool]
) -> None:
    lake, _ = indexed
    publish(lake, "02", ["v03"])
    expected = answers(make_searcher(lake))
    changes = 0
    while kill_after(lambda: update_index(lake), changes):
        assert answers(make_searcher(lake)) == expected
        changes += 8
    assert changes > 9
    searcher = make_searcher(lake)
    assert answers(searcher) == expected
    assert all(segments(searcher))
    assert len(lake.search_files.names()) == 1 + len(segments(searcher))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["rows.arrow", "text.npy", "commits.arrow", "lexical", "manifest.json"])
def test_a_damaged_index_is_not_used_until_it_is_rebuilt(
    indexed: Indexed, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    lake, expected = indexed
    files = [path for path in Path(lake.uri, "_search").rglob("*") if path.is_file()]
    path = next(path for path in files if file in {path.name, path.parent.name} and path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    searcher = make_searcher(lake)
    assert answers(searcher) == expected
    assert "Searched without the index" in searcher.notes[0]
    assert caplog.text == "", "said once, by the note"
    done = update_index(lake, verify=True)
    assert (done.repaired, done.videos_read) == (True, 2)
    assert not update_index(lake, verify=True).repaired
    assert answers(searcher) == expected
    assert searcher.notes == ()
    assert all(segments(searcher))


@pytest.mark.slow
def test_only_the_damaged_segment_is_rebuilt(lake: Lake) -> None:
    publish(lake, "01", [f"v{number:02d}" for number in range(1, 9)])
    update_index(lake)
    [old] = lake.search_files.names()[:-1]
    publish(lake, "02", ["v09"])
    expected = answers(make_searcher(lake))
    assert update_index(lake).segments == 2
    [new] = set(lake.search_files.names()) - {old, "manifest.json"}
    rows = Path(lake.uri, "_search", new, "rows.arrow")
    rows.write_bytes(b"\0" * rows.stat().st_size)
    assert not update_index(lake).repaired, "its size is as it was"
    done = update_index(lake, verify=True)
    assert (done.repaired, done.videos_read, done.segments) == (True, 1, 2)
    assert old in lake.search_files.names()
    assert answers(make_searcher(lake)) == expected


def test_search_works_without_an_index_that_lacks_a_file(
    indexed: Indexed,
) -> None:
    lake, _ = indexed
    next(Path(lake.uri, "_search").rglob("rows.arrow")).unlink()
    searcher = make_searcher(lake)
    assert searcher.search("sentence")
    assert "some of its files are missing" in searcher.notes[0]
    update_index(lake)
    assert all(segments(searcher))
    assert searcher.notes == ()


def sealed(lake: Lake, change: Callable[[Path], object]) -> None:
    """Change the segments, and update the manifest to match."""
    manifest = Path(lake.uri, "_search", "manifest.json")
    stated = json.loads(manifest.read_text())
    for segment in stated["segments"]:
        folder = manifest.parent / segment["name"]
        change(folder)
        segment["files"] = {file: StoredFile.of(folder / file).model_dump() for file in segment["files"]}
    manifest.write_text(json.dumps(stated))


def without_a_column(folder: Path) -> None:
    table = pa.ipc.open_file(pa.py_buffer((folder / "rows.arrow").read_bytes())).read_all().drop_columns(["speaker"])
    with pa.OSFile(str(folder / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def with_far_rows(folder: Path) -> None:
    rows = np.load(folder / "text.rows.npy")
    np.save(folder / "text.rows.npy", rows + 10_000)


def with_fewer_vectors(folder: Path) -> None:
    np.save(folder / "text.npy", np.load(folder / "text.npy")[:1])


@pytest.mark.slow
@pytest.mark.parametrize("change", [without_a_column, with_far_rows, with_fewer_vectors])
def test_search_works_without_an_index_whose_parts_do_not_match(
    indexed: Indexed, change: Callable[[Path], object]
) -> None:
    lake, expected = indexed
    sealed(lake, change)
    searcher = make_searcher(lake)
    assert answers(searcher) == expected
    assert "`videolake index --rebuild`" in searcher.notes[0]


def test_search_works_without_an_unreadable_manifest(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    Path(lake.uri, "_search", "manifest.json").mkdir(parents=True)
    searcher = make_searcher(lake)
    assert searcher.search("sentence")
    assert "Searched without the index" in searcher.notes[0]


def test_cached_segments_of_an_object_store_are_removed_when_unused_for_long(tmp_path: Path, s3_bucket: str) -> None:
    lake = Lake.create(f"{s3_bucket}/lake")
    kept = tmp_path / "cache" / "search"
    publish(lake, "01", ["v01"])
    update_index(lake)
    make_searcher(lake).search("sentence")
    [old] = kept.iterdir()
    update_index(lake, rebuild=True)
    make_searcher(lake).search("sentence")
    assert len(list(kept.iterdir())) == 2
    os.utime(old, (0, 0))
    make_searcher(lake).search("sentence")
    assert len(list(kept.iterdir())) == 1
    assert not old.exists()


def test_files_that_the_manifest_does_not_name_are_ignored(
    indexed: Indexed,
) -> None:
    lake, _ = indexed
    manifest = Path(lake.uri, "_search", "manifest.json")
    stated = json.loads(manifest.read_text())
    stated["segments"][0]["files"] = {}
    manifest.write_text(json.dumps(stated))
    searcher = make_searcher(lake)
    assert searcher.search("sentence")
    assert segments(searcher) == [""]


def spread(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return vectors without clusters; their nearest are about as hard to find as those of real sentences."""
    vectors = rng.standard_normal((count, 64)) * np.arange(1, 65) ** -0.35
    unit: np.ndarray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_the_inverted_file_finds_nearly_all_nearest_with_any_filter(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    matrix = spread(rng, 25_000)
    vectors = Vectors(np.arange(0, 50_000, 2), matrix)
    build_ivf(vectors, tmp_path / "text.faiss")
    index, exact = IvfIndex.open(tmp_path / "text.faiss"), ExactIndex(vectors)
    assert (len(index), index.dimensions) == (25_000, 64)
    masks = [None, rng.random(50_000) < 0.5, rng.random(50_000) < 0.005]
    for mask in masks:
        shares = []
        for query in spread(rng, 40):
            rows, scores = index.search(query, mask, 10)
            wanted, _ = exact.search(query, mask, 10)
            assert mask is None or mask[rows].all()
            assert (np.diff(scores) <= 0).all()
            np.testing.assert_allclose(scores, matrix[rows // 2] @ query, atol=2e-3)
            shares.append(np.isin(wanted, rows).mean())
            for vectors_of in (index, exact):
                found, _, with_vectors = vectors_of.search_vectors(query, mask, 10)
                np.testing.assert_allclose(with_vectors, matrix[found // 2], atol=2e-3)
        assert np.mean(shares) >= 0.95


def test_the_same_vectors_give_the_same_inverted_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    vectors = Vectors(np.arange(2000), spread(rng, 2000))
    for name in ("one", "other"):
        build_ivf(vectors, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_run_updates_the_index_of_large_lakes_and_existing_indexes(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    small = SearchConfig(index_from_moments=10)
    assert index_if_large(lake, small) is None
    assert index_if_large(lake, SearchConfig(index="never", index_from_moments=0)) is None
    publish(lake, "02", ["v02"])
    done = index_if_large(lake, small)
    assert done is not None
    assert done.videos == 2
    publish(lake, "03", ["v03"])
    done = index_if_large(lake, SearchConfig())
    assert done is not None
    assert done.videos == 3
