"""Search with the default models, in videos of known content."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from pipeline.lake import Lake
from pipeline.run.discovery import discover
from pipeline.search import Searcher, update_index
from schemas.config import ArchiveConfig, Config
from schemas.search import Filter, Hit
from tests.material import write_text, write_video
from workers.job import ShardJob
from workers.video_worker import VideoWorker

pytestmark = pytest.mark.models
REVISION = "f" * 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, kept_models: None) -> Path:
    """Make a video of a cat and coffee with a line of text, 3 s each, and a smaller copy that starts with a rocket."""
    folder = tmp_path_factory.mktemp("films")
    cat, coffee, rocket = (
        np.ascontiguousarray(getattr(data, name)()[:300, :400]) for name in ("chelsea", "coffee", "rocket")
    )
    written = write_text(coffee.copy(), "The ocean is deep", (20, 250), 36, (255, 255, 255))
    small = [cv2.resize(picture, (240, 180), interpolation=cv2.INTER_AREA) for picture in (rocket, cat, written)]
    for name, pictures in (("film", [cat, written]), ("later", small)):
        write_video(folder / f"{name}.mp4", (picture for picture in pictures for _ in range(24)), fps=8)
    cv2.imwrite(str(folder / "cat.png"), cv2.cvtColor(cat[20:280, 30:380], cv2.COLOR_RGB2BGR))
    config = Config.model_validate({"speech": {"engine": "none"}, "objects": {"model": "none"}})
    lake = Lake.create(str(folder / "lake"))
    worker = VideoWorker(config, threads=1)
    for task in discover([str(folder / "film.mp4"), str(folder / "later.mp4")], lake, ArchiveConfig()).tasks:
        outcome = worker.work(task, ShardJob("5a", REVISION, lake.uri))
        assert outcome.status == "ok", outcome.error_message
    lake.commit("5a", REVISION)
    return folder


@pytest.fixture(scope="module")
def searcher(folder: Path) -> Searcher:
    return Searcher(Lake(str(folder / "lake")))


def places(hits: list[Hit]) -> list[tuple[str, int]]:
    return [(Path(hit.uri).stem, round(hit.start_s)) for hit in hits]


def test_frames_are_found_by_their_content(searcher: Searcher) -> None:
    hits = searcher.search("a kitten", limit=2)
    assert set(places(hits)) == {("film", 0), ("later", 3)}
    assert hits[0].reasons[0].retriever == "visual"
    assert "cat" in hits[0].reasons[0].text
    assert hits[0].frame_id is not None


def test_on_screen_text_is_found_by_meaning_and_by_words(searcher: Searcher) -> None:
    for query, retriever in (("the sea", "semantic"), ("OCEAN", "lexical")):
        hits = searcher.search(query, Filter(kinds=("screen",)))
        assert set(places(hits)) == {("film", 3), ("later", 6)}
        assert retriever in {reason.retriever for reason in hits[0].reasons}
        assert "ocean" in hits[0].text.lower()
    assert searcher.notes == ()


def test_an_image_file_finds_the_frames_that_show_it(searcher: Searcher, folder: Path) -> None:
    assert set(places(searcher.by_image(folder / "cat.png", limit=2))) == {("film", 0), ("later", 3)}


def test_the_most_similar_moment_is_the_same_moment_of_the_copy(searcher: Searcher) -> None:
    assert places(searcher.like("film.mp4", 1.0, limit=1)) == [("later", 3)]


def test_a_smaller_copy_that_starts_later_is_a_duplicate(searcher: Searcher) -> None:
    [pair] = searcher.duplicates()
    assert (Path(pair.uri).stem, Path(pair.other_uri).stem, pair.overlap) == ("film", "later", 1.0)
    assert pair.offset_s == pytest.approx(3.0, abs=0.5)


def test_the_index_gives_the_same_results(searcher: Searcher, folder: Path) -> None:
    queries = ("a kitten", "ocean", "a cup of espresso")
    before = [places(searcher.search(query)) for query in queries]
    update_index(Lake(str(folder / "lake")))
    searcher.refresh()
    assert all(segment.name for segment in searcher._current().segments)
    assert [places(searcher.search(query)) for query in queries] == before
