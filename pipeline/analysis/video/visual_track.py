"""The frames of one video: detect its shots, and beside that encode, read and caption its keyframes.

The keyframes have a thread of their own, so that their models run while the next frames are decoded and compared.
"""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.analysis.fusion import top_classes
from pipeline.analysis.keyframes import KeyframeSelector, thumbnail
from pipeline.analysis.shots import ShotDetector
from pipeline.analysis.video.clock import StepClock
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.side_thread import SideThread
from pipeline.analysis.vision import Repeats
from schemas.config import COMPOSED, Config
from schemas.media import FrameBatch, SampledFrame
from schemas.records import ClassScores, DetectedObject, Keyframe, KeyframeImage, Shot, TextLine

_MAX_PENDING = 2
"""Batches of keyframes that may wait for their models."""


class VisualTrack:
    """Processes frames as they are decoded, until it is closed.

    Full-size images are dropped as soon as they are described.

    Args:
        models: The loaded models.
        config: The whole configuration.
        clock: Records the seconds of each step.
    """

    def __init__(self, models: Models, config: Config, clock: StepClock) -> None:
        self._models = models
        self._config = config
        self._clock = clock
        self._detector = ShotDetector(config.shots, models.shots)
        self._selector = KeyframeSelector(config.keyframes)
        self._reader = models.ocr.session() if models.ocr else None
        self._repeats = Repeats()
        self._chosen: list[KeyframeImage] = []
        self._thread = SideThread("keyframes", max_pending=_MAX_PENDING)
        self.shots: list[Shot] = []
        """The shots that have ended."""
        self.keyframes: list[Keyframe] = []
        """The keyframes that are complete; all of them after `finish`."""

    def close(self) -> None:
        """End the thread of the keyframes."""
        self._thread.close()

    def add_batch(self, batch: FrameBatch) -> None:
        """Add the small images of consecutive frames. Raises the error of earlier keyframes, if there was one."""
        with self._clock.step("shots"):
            shots = self._detector.add(batch)
        with self._clock.step("keyframes"):
            self.shots.extend(shots)
            self._chosen.extend(self._selector.advance(shots, self._detector.decided_s))
        while len(self._chosen) >= self._models.vision.batch_size:
            self._describe_next()

    def add_frame(self, frame: SampledFrame) -> None:
        """Add a keyframe candidate."""
        with self._clock.step("keyframes"):
            self._selector.add(frame)

    def finish(self, end_s: float) -> None:
        """Close the last shot and process the remaining keyframes."""
        with self._clock.step("shots"):
            shots = self._detector.finish(end_s)
        with self._clock.step("keyframes"):
            self.shots.extend(shots)
            self._chosen.extend(self._selector.finish(shots))
        while self._chosen:
            self._describe_next()
        self._thread.wait()

    def _describe_next(self) -> None:
        count = self._models.vision.batch_size
        batch, self._chosen = self._chosen[:count], self._chosen[count:]
        self._thread.add(self._describe, batch)

    def _describe(self, batch: Sequence[KeyframeImage]) -> None:
        """Complete keyframes. One that shows again what an earlier one showed has its results, and no model sees it."""
        with self._clock.step("thumbnails"):
            thumbnails = self._thumbnails(batch)
        first = len(self.keyframes)
        with self._clock.step("keyframes"):
            sources = [self._repeats.earlier(frame.image, first + place) for place, frame in enumerate(batch)]
        new = [frame for frame, source in zip(batch, sources, strict=True) if source is None]
        described = iter(self._described(new))
        for frame, source, jpeg in zip(batch, sources, thumbnails, strict=True):
            keyframe = next(described) if source is None else self.keyframes[source]
            self.keyframes.append(
                replace(
                    keyframe,
                    index=len(self.keyframes),
                    time_s=frame.time_s,
                    shot_index=frame.shot_index,
                    sharpness=frame.sharpness,
                    phash=frame.phash,
                    thumbnail=jpeg,
                )
            )

    def _described(self, batch: Sequence[KeyframeImage]) -> list[Keyframe]:
        """Return what the models find in some frames, without thumbnails, and with 0 for the index."""
        if not batch:
            return []
        with self._clock.step("vision"):
            features = self._models.vision.encode([frame.image for frame in batch])
        classes: list[ClassScores] | None = None
        if self._models.coordinated.reads_classes and features.probabilities is not None:
            classes = top_classes(features.probabilities)
        with self._clock.step("ocr"):
            texts = [self._reader.read(frame.image) if self._reader else () for frame in batch]
        objects = self._objects(batch, texts)
        captions = self._captions(batch)
        source = self._models.captions.source if self._models.captions else COMPOSED
        return [
            Keyframe(
                index=0,
                time_s=frame.time_s,
                shot_index=frame.shot_index,
                sharpness=frame.sharpness,
                phash=frame.phash,
                width=frame.image.shape[1],
                height=frame.image.shape[0],
                thumbnail=b"",
                labels=features.labels[index],
                text_lines=texts[index],
                caption=captions[index],
                caption_source=source if captions[index] else COMPOSED,
                # A copy, because a view of one row would keep the whole matrix of the batch in memory.
                embedding=features.embeddings[index].copy(),
                classes=classes[index] if classes else None,
                objects=objects[index],
            )
            for index, frame in enumerate(batch)
        ]

    def _objects(
        self, batch: Sequence[KeyframeImage], texts: Sequence[tuple[TextLine, ...]]
    ) -> Sequence[tuple[DetectedObject, ...]]:
        if self._models.objects is None:
            return [()] * len(batch)
        with self._clock.step("objects"):
            return self._models.objects.detect([frame.image for frame in batch], texts)

    def _captions(self, batch: Sequence[KeyframeImage]) -> list[str]:
        """Return the model's caption of each frame; empty strings without a model or where it returns nothing."""
        if self._models.captions is None:
            return [""] * len(batch)
        with self._clock.step("captions"):
            return self._models.captions.caption([frame.image for frame in batch])

    def _thumbnails(self, batch: Sequence[KeyframeImage]) -> list[bytes]:
        keyframes = self._config.keyframes
        return [thumbnail(frame.image, keyframes.thumbnail_width_px, keyframes.thumbnail_quality) for frame in batch]
