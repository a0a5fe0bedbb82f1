"""Keyframes that repeat an earlier one have its results."""

from contextlib import closing
from types import SimpleNamespace
from typing import Any

import numpy as np

from pipeline.analysis.video.clock import StepClock, Turns
from pipeline.analysis.video.visual_track import VisualTrack
from pipeline.analysis.vision import FrameFeatures
from schemas.config import Config
from schemas.records import KeyframeImage, Label, TextLine

LEVELS = (40, 90, 40, 140, 90, 40)


class Models:
    """Models that note what they saw, and describe a frame by its grey level."""

    def __init__(self) -> None:
        self.seen: dict[str, list[int]] = {"vision": [], "ocr": [], "objects": []}
        self.vision = SimpleNamespace(batch_size=4, encode=self._encode)
        self.coordinated = SimpleNamespace(reads_classes=False)
        self.ocr = SimpleNamespace(session=lambda: SimpleNamespace(read=self._read))
        self.objects = SimpleNamespace(detect=self._detect)
        self.captions = self.shots = None

    def _encode(self, images: list[Any]) -> FrameFeatures:
        self.seen["vision"] += [int(image[0, 0, 0]) for image in images]
        return FrameFeatures(
            np.array([[image[0, 0, 0], 1] for image in images], np.float32),
            tuple((Label(str(image[0, 0, 0]), 1.0),) for image in images),
            None,
        )

    def _read(self, image: Any) -> tuple[TextLine, ...]:
        self.seen["ocr"].append(int(image[0, 0, 0]))
        return (TextLine(text=str(image[0, 0, 0]), box=(0.0, 0.0, 1.0, 1.0), score=1.0),)

    def _detect(self, images: list[Any], texts: list[Any]) -> list[tuple[()]]:
        assert len(images) == len(texts)
        self.seen["objects"] += [int(image[0, 0, 0]) for image in images]
        return [()] * len(images)


def test_models_see_each_image_once_and_every_keyframe_has_its_own_time_and_the_right_results():
    models = Models()
    images = [
        KeyframeImage(float(index), index // 2, 10.0 + index, index, np.full((36, 64, 3), level, np.uint8))
        for index, level in enumerate(LEVELS)
    ]
    config = Config.model_validate({"shots": {"detector": "content"}})
    with closing(VisualTrack(models, config, StepClock(Turns(1)))) as track:  # type: ignore[arg-type]
        track._chosen = images
        track.finish(6.0)
    assert models.seen == {model: [40, 90, 140] for model in ("vision", "ocr", "objects")}
    assert [keyframe.index for keyframe in track.keyframes] == list(range(6))
    for keyframe, image, level in zip(track.keyframes, images, LEVELS, strict=True):
        assert (keyframe.time_s, keyframe.shot_index, keyframe.sharpness, keyframe.phash) == (
            image.time_s,
            image.shot_index,
            image.sharpness,
            image.phash,
        )
        assert keyframe.text_lines[0].text == keyframe.labels[0].label == str(level)
        assert keyframe.embedding.tolist() == [level, 1]
        assert keyframe.thumbnail.startswith(b"\xff\xd8")
