"""The fused vectors of scenes, by the configured fusion method."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from pipeline.analysis.fusion import CoordinatedSpace, Fused, FusionMethod, SceneParts, Track, unit
from pipeline.analysis.scenes.content import SceneContent, VideoContent
from pipeline.analysis.scenes.spans import TextSpan


def fuse_scenes(
    scenes: Sequence[SceneContent], video: VideoContent, *, method: FusionMethod, space: CoordinatedSpace
) -> list[Fused]:
    """Return the fused vector of each scene, and the weights of text and images in it.

    Args:
        scenes: With all their other vectors.
        video: Its texts have vectors of the text encoder, its keyframes of the coordinated space.
        method: The fusion method.
        space: The coordinated space.
    """
    texts = _Texts(video.texts if method.coordinated else (), space)
    times_s = [frame.time_s for frame in video.keyframes]
    vectors = np.zeros((len(video.keyframes), space.space[1]), dtype=np.float32)
    for index, frame in enumerate(video.keyframes):
        if frame.coordinated_embedding is not None:
            vectors[index] = frame.coordinated_embedding
    parts = []
    for scene in scenes:
        inside = slice(bisect_left(times_s, scene.start_s), bisect_left(times_s, scene.end_s))
        inside_s = np.array(times_s[inside], dtype=np.float64)
        frames = Track.of(vectors[inside], inside_s, np.ones(len(inside_s)))
        image = scene.coordinated_embedding
        if not len(frames) and image.any():
            # The shot's keyframe lies in another scene.
            frames = Track.of(image[None], np.array([(scene.start_s + scene.end_s) / 2]), np.ones(1))
        spans = texts.within(scene.start_s, scene.end_s)
        parts.append(SceneParts(scene.text_embedding, scene.vision_embedding, image, spans, frames))
    return method.fuse(parts)


class _Texts:
    """Text spans in the coordinated space, in order of their start."""

    def __init__(self, texts: Sequence[TextSpan], space: CoordinatedSpace) -> None:
        spans = sorted(texts, key=lambda text: text.start_s)
        stacked = np.zeros((0, space.space[1]), dtype=np.float32)
        if spans:
            stacked = space.of_known_texts([span.text for span in spans], np.stack([span.embedding for span in spans]))
        self._starts_s = np.array([span.start_s for span in spans], dtype=np.float64)
        self._ends_s = np.array([span.end_s for span in spans], dtype=np.float64)
        self._confidence = np.linalg.norm(stacked, axis=1)
        self._vectors = unit(stacked)
        self._longest_s = float((self._ends_s - self._starts_s).max(initial=0.0))

    def within(self, start_s: float, end_s: float) -> Track:
        """Return the parts of the spans that lie in a time range."""
        low, high = np.searchsorted(self._starts_s, [start_s - self._longest_s, end_s])
        starts_s = np.maximum(self._starts_s[low:high], start_s)
        ends_s = np.minimum(self._ends_s[low:high], end_s)
        seconds = np.maximum(ends_s - starts_s, 0.0)
        return Track.of(self._vectors[low:high], (starts_s + ends_s) / 2, seconds * self._confidence[low:high])
