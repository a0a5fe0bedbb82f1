"""What the picture or the sound stage finds by itself, in odd files, without a model: everything loud is speech."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import av
import numpy as np
import pyarrow as pa
import pytest

from pipeline.analysis.media import probe
from pipeline.analysis.media.decoding import AudioBlockBuilder, _FrameBatcher
from pipeline.analysis.video.clock import StepClock, Turns
from pipeline.analysis.video.isolation import StageErrors
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.perception import Perception
from pipeline.analysis.vision.features import FrameFeatures
from pipeline.lake import Origin, analysis_of, video_tables
from schemas.config import Config
from schemas.media import SAMPLE_RATE_HZ
from schemas.records import Analysis, VideoTask
from tests.material import moving_shapes, tone, truncated
from tests.pipeline.analysis.video.test_audio_track import Recognizer
from tests.pipeline.lake.lakes import NOON

VISION = ("colours", 3)


class Eye:
    """Takes the mean colour of a frame for its vector."""

    batch_size = 2

    def encode(self, images: list[np.ndarray]) -> FrameFeatures:
        colours = np.array([image.mean(axis=(0, 1)) for image in images], np.float32)
        return FrameFeatures(colours / np.linalg.norm(colours, axis=1, keepdims=True), ((),) * len(images), None)


def models(*, hears: bool) -> Models:
    made = SimpleNamespace(
        vision=Eye(), coordinated=SimpleNamespace(reads_classes=False), ocr=None, captions=None, shots=None,
        speech=Recognizer() if hears else None, speakers=None, sounds=None, objects=None,
    )  # fmt: skip
    return cast("Models", made)


def odd_film(path: Path) -> Path:
    """Write two shots, a silent audio track, one with a tone that starts late and lasts longer, and a subtitle."""
    packets: list[Any] = []
    with av.open(str(path), "w") as made:
        images: Any = made.add_stream("mpeg4", rate=10)
        images.width, images.height, images.pix_fmt = 160, 120, "yuv420p"
        silent, loud = (made.add_stream(codec, rate=SAMPLE_RATE_HZ, layout="mono") for codec in ("pcm_s16le", "flac"))
        lines: Any = made.add_stream("subrip")
        lines.codec_context.subtitle_header = b"[Script Info]\n\n[Events]\n"
        pictures = [image for seed in (0, 1) for image in moving_shapes(160, 120, frames=20, seed=seed)]
        for number, picture in enumerate(pictures):
            image = av.VideoFrame.from_ndarray(picture, format="rgb24")
            image.pts, image.time_base = number, Fraction(1, 10)
            packets += images.encode(image)
        packets += [*images.encode(None), *audio(silent, 0.0, 0.0, 4.0), *audio(loud, 0.3, 0.4, 5.0)]
        line: Any = av.Packet(b"Hello")
        line.stream, line.pts, line.dts, line.duration, line.time_base = lines, 1000, 1000, 1000, Fraction(1, 1000)
        for packet in sorted([*packets, line], key=lambda each: each.dts * each.time_base):
            made.mux(packet)
    return path


def audio(track: Any, level: float, start_s: float, seconds: float) -> list[Any]:
    """Return the packets of a tone with a gap."""
    samples, packets = (tone(seconds, level=level) * 32767).astype(np.int16).reshape(1, -1), []
    for start in range(0, samples.shape[1], 4096):
        if not SAMPLE_RATE_HZ <= start < 1.5 * SAMPLE_RATE_HZ:
            frame = av.AudioFrame.from_ndarray(samples[:, start : start + 4096], format="s16", layout="mono")
            frame.sample_rate, frame.time_base = SAMPLE_RATE_HZ, Fraction(1, SAMPLE_RATE_HZ)
            frame.pts = start + round(start_s * SAMPLE_RATE_HZ)
            packets += track.encode(frame)
    return [*packets, *track.encode(None)]


@pytest.fixture(params=["whole", "cut off"])
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    whole = odd_film(tmp_path / "whole.mkv")
    return whole if request.param == "whole" else truncated(whole, tmp_path / "cut.mkv", 0.8)


def perceived(
    film: Path, config: Config, *stages: Any, hears: bool = True, before: dict[str, pa.Table] | None = None
) -> dict[str, pa.Table]:
    """Return the rows of what the stages found, and of what was found before."""
    perception = perception_of(config, models(hears=hears))
    info = probe(str(film), config.media, config.limits)
    return rows(film, perception.run(str(film), info, stages, analysis_of(before) if before else None))


def perception_of(config: Config, models: Models, errors: StageErrors | None = None) -> Perception:
    errors = errors or StageErrors()
    return Perception(config, models, threads=1, clock=StepClock(Turns(1)), progress=lambda _: None, errors=errors)


def rows(film: Path, found: Analysis) -> dict[str, pa.Table]:
    origin = Origin(revision="r", shard="5a", text=("none", 1), vision=VISION, committed_at=NOON)
    subtitles = tuple(replace(line, index=index) for index, line in enumerate(found.subtitles))
    return video_tables(VideoTask("v", (str(film),), 1, 0), replace(found, subtitles=subtitles), origin)


def config_of(**media: Any) -> Config:
    return Config.model_validate({"shots": {"detector": "content"}, "media": media})


def test_the_sound_stage_alone_finds_what_a_complete_pass_finds(film: Path) -> None:
    deaf, heard = (perceived(film, config_of(), "picture", "sound", hears=hears) for hears in (False, True))
    assert heard["videos"]["audio_codec"].to_pylist() == ["flac"]
    assert "audio" in heard["videos"]["warning_parts"][0].as_py()
    assert perceived(film, config_of(), "sound", before=deaf) == heard
    assert perceived(film, config_of(), "sound", before=heard, hears=False) == deaf


def test_the_picture_stage_alone_finds_what_a_complete_pass_finds(film: Path) -> None:
    few, many = (perceived(film, config_of(max_side_px=side), "picture", "sound") for side in (160, 200))
    other = perceived(film, config_of(sample_interval_s=0.2, max_side_px=200), "picture", "sound")
    assert other["frames"] != many["frames"]
    for before, media, after in ((few, {"max_side_px": 200}, many), (many, {"max_side_px": 160}, few)):
        assert perceived(film, config_of(**media), "picture", before=before) == after
    assert perceived(film, config_of(sample_interval_s=0.2, max_side_px=200), "picture", before=few) == other


@pytest.mark.parametrize("stage", ["picture", "sound"])
def test_either_stage_reads_the_subtitles_again(film: Path, stage: str) -> None:
    sidecar = film.with_suffix(".de.srt")
    sidecar.write_bytes("1\n00:00:01,000 --> 00:00:02,000\nSchön\n".encode("cp1252"))
    before = perceived(film, config_of(), "picture", "sound")
    assert "subtitles" in before["videos"]["warning_parts"][0].as_py()
    sidecar.write_text("1\n00:00:01,000 --> 00:00:03,000\nSchöner\n")
    after = perceived(film, config_of(), "picture", "sound")
    assert after["videos"]["warnings"] != before["videos"]["warnings"]
    assert perceived(film, config_of(), stage, before=before) == after


def test_each_stage_decodes_only_its_own_streams(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = perceived(film, config_of(), "picture", "sound")
    decoded: list[str] = []
    for kind in (_FrameBatcher, AudioBlockBuilder):
        add = kind.add

        def counted(self: Any, frame: Any, add: Any = add) -> Any:
            decoded.append(type(self).__name__)
            return add(self, frame)

        monkeypatch.setattr(kind, "add", counted)
    perceived(film, config_of(), "sound", before=before)
    assert set(decoded) == {"AudioBlockBuilder"}
    decoded.clear()
    perceived(film, config_of(), "picture", before=before)
    assert set(decoded) == {"_FrameBatcher"}


class BrokenEye(Eye):
    def encode(self, images: list[np.ndarray]) -> FrameFeatures:
        raise RuntimeError("no image")


class BrokenEar(Recognizer):
    def session(self, listener: object) -> Any:
        del listener
        return SimpleNamespace(add=self._fail, speech_s=0.0)

    def _fail(self, _block: object) -> None:
        raise RuntimeError("no sound")


@pytest.mark.parametrize(
    ("broken", "parts"), [("picture", {"vision": BrokenEye()}), ("sound", {"speech": BrokenEar()})]
)
def test_a_stage_that_fails_costs_the_other_nothing(film: Path, broken: str, parts: dict[str, Any]) -> None:
    made = cast("Models", SimpleNamespace(**(vars(models(hears=True)) | parts)))
    info, errors = probe(str(film), config_of().media, config_of().limits), StageErrors()
    whole = perceived(film, config_of(), "picture", "sound")
    found = rows(film, perception_of(config_of(), made, errors).run(str(film), info, ("picture", "sound"), None))
    assert {stage: str(error) for stage, error in errors.found.items()} == {
        broken: "no image" if broken == "picture" else "no sound"
    }
    kept, lost = ("utterances", "frames") if broken == "picture" else ("frames", "utterances")
    assert found[kept] == whole[kept]
    assert found[kept].num_rows
    assert not found[lost].num_rows
    assert found["videos"]["duration_s"] == whole["videos"]["duration_s"]


def test_a_file_that_could_not_be_read_to_the_end_before_has_shots_up_to_its_end(tmp_path: Path) -> None:
    whole = odd_film(tmp_path / "whole.mkv")
    before = perceived(truncated(whole, tmp_path / "cut.mkv", 0.4), config_of(), "picture", "sound")
    after = perceived(whole, config_of(), "picture", "sound")
    found = perceived(whole, config_of(), "picture", before=before)
    assert before["videos"]["duration_s"][0].as_py() < after["videos"]["duration_s"][0].as_py()
    assert found["shots"] == after["shots"]
    assert found["videos"]["duration_s"] == after["videos"]["duration_s"]
