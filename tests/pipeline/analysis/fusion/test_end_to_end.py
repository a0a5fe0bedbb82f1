import numpy as np
import pytest
from skimage import data

from pipeline.lake import Lake
from pipeline.run.discovery import discover
from pipeline.search.query_encoder import QueryEncoder
from schemas.config import ArchiveConfig, Config
from tests.material import write_text, write_video
from workers.job import ShardJob
from workers.video_worker import VideoWorker

pytestmark = pytest.mark.models
REVISION = "f" * 16


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, kept_models: None) -> Lake:
    """A silent film: 3 s of a cat, 3 s of black, 3 s of a cup of coffee with a line of text; fused by the hybrid."""
    folder = tmp_path_factory.mktemp("films")
    cat, coffee = (np.ascontiguousarray(getattr(data, name)()[:300, :400]) for name in ("chelsea", "coffee"))
    written = write_text(coffee.copy(), "The ocean is deep", (20, 250), 36, (255, 255, 255))
    images = [cat, np.zeros_like(cat), written]
    write_video(folder / "film.mp4", (image for image in images for _ in range(24)), fps=8)
    without = {"speech": {"engine": "none"}, "objects": {"model": "none"}}
    config = Config.model_validate({"fusion": {"method": "hybrid"}, **without})
    lake = Lake.create(str(folder / "lake"))
    worker = VideoWorker(config, threads=1)
    for task in discover([str(folder / "film.mp4")], lake, ArchiveConfig()).tasks:
        outcome = worker.work(task, ShardJob("5a", REVISION, lake.uri))
        assert outcome.status == "ok", outcome.error_message
    lake.commit("5a", REVISION)
    return lake


def column(lake: Lake, query: str) -> list[np.ndarray | None]:
    values = lake.sql(query).columns[0].to_pylist()
    return [None if value is None else np.array(value, np.float32) for value in values]


def test_a_query_finds_the_frame_that_shows_it_and_the_text_that_means_it(lake: Lake) -> None:
    asked = QueryEncoder.of_lake(lake).texts(["a pet with whiskers", "an espresso", "the sea"])
    shown = column(lake, "SELECT coordinated_embedding FROM frames ORDER BY time_s")
    assert shown[1] is None, "black shows nothing"
    cat, coffee = shown[0], shown[2]
    assert asked.coordinated[0] @ cat > asked.coordinated[0] @ coffee
    assert asked.coordinated[1] @ coffee > asked.coordinated[1] @ cat
    written = column(lake, "SELECT text_embedding FROM frames ORDER BY time_s")
    assert [vector is not None for vector in written] == [False, False, True]
    assert asked.text[2] @ written[2] > asked.text[0] @ written[2] + 0.2


def test_scenes_are_fused_by_the_method_that_was_asked_for(lake: Lake) -> None:
    encoder = QueryEncoder.of_lake(lake)
    assert encoder.spaces.fused == ("hybrid:closed-form:" + encoder.spaces.coordinated[0], 768)
    rows = lake.sql("SELECT fused_embedding, coordinated_embedding, text_weight, vision_weight FROM scenes").to_pylist()
    assert rows
    for row in rows:
        assert np.linalg.norm(row["fused_embedding"]) == pytest.approx(1.0, abs=1e-4)
        assert row["text_weight"] + row["vision_weight"] == pytest.approx(1.0, abs=1e-4)
    assert lake.sql("SELECT text_model FROM videos").to_pylist() == [
        {"text_model": "embedded:minilm + embedded:multilingual-e5-small"}
    ]


def test_an_image_finds_itself_in_each_space_that_holds_images(lake: Lake) -> None:
    import cv2

    (thumbnail,) = lake.sql("SELECT thumbnail FROM frames ORDER BY time_s LIMIT 1").to_pylist()
    image = cv2.cvtColor(cv2.imdecode(np.frombuffer(thumbnail["thumbnail"], np.uint8), cv2.IMREAD_COLOR), 4)
    asked = QueryEncoder.of_lake(lake).images([image])
    for name, found in (("embedding", asked.vision), ("coordinated_embedding", asked.coordinated)):
        vectors = column(lake, f"SELECT {name} FROM frames ORDER BY time_s")
        assert found[0] @ vectors[0] > max(0.8, found[0] @ vectors[2] + 0.1)
    assert not asked.text.any()
    assert asked.fused.shape == (1, 768)
