"""The joint vectors of scenes, by the method of fusion that is configured."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.analysis.fusion import CoordinatedSpace, FusionMethod, SceneParts, Track, unit
from pipeline.analysis.scenes.spans import TextSpan
from schemas.records import Keyframe, Scene


def fuse_scenes(
    scenes: Sequence[Scene],
    texts: Sequence[TextSpan],
    keyframes: Sequence[Keyframe],
    method: FusionMethod,
    space: CoordinatedSpace,
) -> tuple[Scene, ...]:
    """Set the fused vectors of scenes, and the weights of text and picture in them.

    Args:
        scenes: With all their other vectors.
        texts: What is said and written, with the text encoder's vectors, shorter where they are in doubt.
        keyframes: With vectors in the coordinated space, in order of time.
        method: Of fusion.
        space: The coordinated space.
    """
    spoken = _Texts(texts if method.coordinated else (), space)
    times = [frame.time_s for frame in keyframes]
    nothing = np.zeros(space.space[1], dtype=np.float32)
    shown = np.zeros((len(keyframes), len(nothing)), dtype=np.float32)
    for place, frame in enumerate(keyframes):
        if frame.coordinated_embedding is not None:
            shown[place] = frame.coordinated_embedding
    parts = []
    for scene in scenes:
        inside = slice(bisect_left(times, scene.start_s), bisect_left(times, scene.end_s))
        frames = Track.of(shown[inside], np.array(times[inside], dtype=np.float64), np.ones(len(times[inside])))
        picture = nothing if scene.coordinated_embedding is None else scene.coordinated_embedding
        if not len(frames) and picture.any():
            # Its keyframe stands in another scene of the same shot.
            frames = Track.of(picture[None], np.array([(scene.start_s + scene.end_s) / 2]), np.ones(1))
        parts.append(
            SceneParts(
                scene.text_embedding, scene.vision_embedding, picture, spoken.within(scene.start_s, scene.end_s), frames
            )
        )
    return tuple(
        replace(scene, fused_embedding=fused, text_weight=text_weight, vision_weight=vision_weight)
        for scene, (fused, text_weight, vision_weight) in zip(scenes, method.fuse(parts), strict=True)
    )


class _Texts:
    """Text spans in the coordinated space, in order of their start, ready to be cut to scenes."""

    def __init__(self, texts: Sequence[TextSpan], space: CoordinatedSpace) -> None:
        spans = sorted(texts, key=lambda text: text.start_s)
        stacked = np.zeros((0, space.space[1]), dtype=np.float32)
        if spans:
            stacked = space.of_known_texts([span.text for span in spans], np.stack([span.embedding for span in spans]))
        self._starts_s = np.array([span.start_s for span in spans], dtype=np.float64)
        self._ends_s = np.array([span.end_s for span in spans], dtype=np.float64)
        self._sureness = np.linalg.norm(stacked, axis=1)
        self._vectors = unit(stacked)
        self._longest_s = float((self._ends_s - self._starts_s).max(initial=0.0))

    def within(self, start_s: float, end_s: float) -> Track:
        """Return what is said and written in a stretch."""
        low, high = np.searchsorted(self._starts_s, [start_s - self._longest_s, end_s])
        starts_s = np.maximum(self._starts_s[low:high], start_s)
        ends_s = np.minimum(self._ends_s[low:high], end_s)
        seconds = np.maximum(ends_s - starts_s, 0.0)
        return Track.of(self._vectors[low:high], (starts_s + ends_s) / 2, seconds * self._sureness[low:high])
