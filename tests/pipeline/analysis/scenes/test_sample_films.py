"""What people see of the sample films: real pictures through real models, the speech left out for time."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.analysis.video import VideoAnalyzer
from pipeline.analysis.video.models import load_models
from pipeline.extras.sample.archive import make_sample
from pipeline.extras.sample.long import repeat_video
from pipeline.extras.sample.truth import Truth
from schemas.config import Config, ObjectsConfig, OcrConfig, ShotsConfig, SpeechConfig
from schemas.records import Analysis
from tests.material import clip

pytestmark = pytest.mark.models


Analyze = Callable[[Path], Analysis]


@pytest.fixture(scope="module", params=["none"])
def analyze(request: pytest.FixtureRequest, kept_models: None) -> Analyze:
    """Return a function that analyses a film, without looking for objects unless the test asks for them."""
    config = Config(
        speech=SpeechConfig(engine="none"),
        shots=ShotsConfig(detector="content"),
        ocr=OcrConfig(max_side_px=640),
        objects=ObjectsConfig(model=request.param),
    )
    analyzer = VideoAnalyzer(config, load_models(config, device="cpu", threads=1), threads=1)
    return lambda path: analyzer.analyze(str(path), analyzer.probe(str(path)), video_id="v")


def test_a_slide_talk_gets_a_scene_a_slide_and_its_title(analyze: Analyze, ocean_talk: tuple[Path, Truth]) -> None:
    path, truth = ocean_talk
    analysis = analyze(path)
    begins = [scene.start_s for scene in analysis.scenes]
    assert begins == pytest.approx([0.0, *truth.transitions_s], abs=0.3)
    assert analysis.summary.headline == "The Blue Planet"
    assert len(analysis.summary.keyframe_ids) == 8
    texts = [scene.text for scene in analysis.scenes]
    for heading, text in zip(("The Blue Planet", "Most of the Earth is water"), texts, strict=False):
        assert heading in text


def test_a_music_video_gets_no_scene_a_cut_and_a_few_chapters(analyze: Analyze, tmp_path: Path) -> None:
    repeat_video(clip("song"), tmp_path / "music_video.mp4", 40.0)
    analysis = analyze(tmp_path / "music_video.mp4")
    assert len(analysis.shots) > 16
    assert 1 <= len(analysis.scenes) <= 6
    assert all(one.end_s == other.start_s for one, other in pairwise(analysis.scenes))
    assert len(analysis.summary.chapters) <= 2


@pytest.mark.parametrize("analyze", ["embedded:ssd-mobilenet-v2"], indirect=True)
def test_of_cyclists_seen_in_traffic_bicycles_are_said_and_no_electrical_switch(
    analyze: Analyze, tmp_path: Path
) -> None:
    (path,) = make_sample(tmp_path, only=["clips/bicycles.mp4"])
    summary = analyze(path).summary
    assert summary.headline.startswith("Bicycles")
    assert [chapter.title for chapter in summary.chapters] == [summary.headline]
    assert not any("switch" in sentence.text for sentence in summary.sentences)
