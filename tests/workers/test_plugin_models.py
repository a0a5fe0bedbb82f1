"""Runs whose objects, sounds and names come from models in a file of the user's own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.lake import Lake
from pipeline.run import discover, models_of, revision_of
from schemas.config import ArchiveConfig, Config
from tests import material
from workers import InlinePool, RunJob

pytestmark = pytest.mark.models

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin_package"
OWN = """
import numpy as np
from videolake_example.names import CatalogueNumbers
from videolake_example.objects import ColourDetector
from videolake_example.sounds import ToneClassifier

class Objects(ColourDetector):
    def detect(self, images):
        return [(boxes * (100 if 1 in classes[scores > 0.5] else 1), scores, classes)
                for boxes, scores, classes in super().detect(images)]

class Sounds(ToneClassifier):
    def score(self, windows):
        scores = super().score(windows)
        return np.where(scores[:, 1:] > 0.9, np.nan, scores)

class Names(CatalogueNumbers):
    def recognize(self, texts, languages):
        found = super().recognize(texts, languages)
        return [[(first, end + 50 * ("FALSE" in text), *rest) for first, end, *rest in own]
                for text, own in zip(texts, found)]

class Broken(ColourDetector):
    def detect(self, images):
        return []
"""
RED, GREEN = (220, 40, 40), (30, 200, 60)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file with models that tell the truth about most videos."""
    known = set(sys.modules)
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in set(sys.modules) - known:
        if name.startswith(("videolake_example", "own")):
            del sys.modules[name]


def film(path: Path, colour: tuple[int, int, int], pitch_hz: float, subtitle: str) -> None:
    """Write 4 s of a coloured rectangle on noise, with a tone and a line of subtitles beside it."""
    frame = np.random.default_rng(0).integers(90, 130, (90, 160, 3), np.uint8)
    frame[18:72, 40:120] = colour
    material.write_video(path, [frame] * 40, fps=10, audio=material.tone(4.0, pitch_hz))
    path.with_suffix(".srt").write_text(f"1\n00:00:01,000 --> 00:00:03,000\n{subtitle}\n")


def config(objects: str = "Objects") -> Config:
    return Config.model_validate(
        {
            "speech": {"engine": "none"}, "ocr": {"engine": "none"}, "shots": {"detector": "content"},
            "text": {"model": "embedded:minilm"}, "objects": {"model": f"python:own:{objects}"},
            "sounds": {"model": "python:own:Sounds"}, "entities": {"model": "python:own:Names"},
        }
    )  # fmt: skip


def analysed(archive: Path, tmp_path: Path, settings: Config) -> Lake:
    lake = Lake.create(str(tmp_path / "lake"))
    revision = revision_of(settings, models_of(settings))
    tasks = discover([str(archive)], lake, ArchiveConfig()).tasks
    list(InlinePool(RunJob(revision, lake.uri, settings)).submit("5a", tasks).outcomes())
    lake.commit("5a", revision)
    return lake


def test_a_model_that_lies_about_a_video_costs_a_stage_of_it_and_a_row_with_the_reason(
    own: None, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    film(archive / "true.mp4", RED, 300, "This is INV-2041.")
    film(archive / "box.mp4", GREEN, 300, "This is INV-2042.")
    film(archive / "tone.mp4", RED, 3000, "This is INV-2043.")
    film(archive / "name.mp4", RED, 320, "This is FALSE and INV-2044.")
    lake = analysed(archive, tmp_path, config())

    errors = lake.sql("SELECT parse_filename(uri) AS name, stage, kind, message, traceback FROM errors").to_pylist()
    assert {each["name"]: each["stage"] for each in errors} == {
        "box.mp4": "picture", "tone.mp4": "sound", "name.mp4": "text",
    }  # fmt: skip
    assert {each["kind"] for each in errors} == {"model"}
    said = {each["name"]: each["message"] for each in errors}
    assert "objects.model: python:own:Objects returned boxes from 20 to 80; they must be fractions" in said["box.mp4"]
    assert "sounds.model: python:own:Sounds returned probabilities that are not finite" in said["tone.mp4"]
    assert "entities.model: python:own:Names returned a name from 18 to 76 in a text of 27" in said["name.mp4"]
    assert all(name in message for name, message in said.items())

    [shown] = lake.sql("SELECT label, score, box FROM objects JOIN videos USING (video_id) WHERE uri LIKE '%true.mp4'")[
        :1
    ].to_pylist()
    assert shown["label"] == "red region"
    assert list(shown["box"].values()) == pytest.approx([0.25, 0.2, 0.75, 0.8], abs=0.05)
    heard = lake.sql(
        "SELECT parse_filename(uri) AS name, label, start_s, end_s FROM sounds JOIN videos USING (video_id)"
    )
    assert {(each["name"], each["label"]) for each in heard.to_pylist()} == {
        (name, "low tone") for name in ("true.mp4", "box.mp4", "name.mp4")
    }
    assert all(0 <= each["start_s"] < each["end_s"] <= 4.1 for each in heard.to_pylist())
    named = lake.sql("SELECT parse_filename(uri) AS name, text, kind FROM entities JOIN videos USING (video_id)")
    assert sorted((each["name"], each["text"], each["kind"]) for each in named.to_pylist()) == [
        ("box.mp4", "INV-2042", "work"), ("tone.mp4", "INV-2043", "work"), ("true.mp4", "INV-2041", "work"),
    ]  # fmt: skip


def test_a_model_that_is_wrong_about_any_image_ends_the_run_before_a_video_is_opened(own: None, tmp_path: Path) -> None:
    from schemas.errors import ModelError
    from workers.video_worker import VideoWorker

    with pytest.raises(ModelError, match=r"python:own:Broken returned 0 results for 1 images") as found:
        VideoWorker(config("Broken"), threads=1)
    assert type(found.value) is ModelError
