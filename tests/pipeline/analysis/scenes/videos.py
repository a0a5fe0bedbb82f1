"""Invented videos as the steps before would describe them, with meaningful vectors."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from pipeline.analysis.fusion import fuse_early
from pipeline.analysis.scenes import (
    Dimensions,
    Subject,
    TextSpan,
    VideoContent,
    build_scenes,
    find_scenes,
    speech_spans,
)
from schemas.config import FusionConfig, ScenesConfig
from schemas.records import Keyframe, Label, Scene, Shot, TextLine, Utterance

TEXT, VISION = 8, 6
DIMENSIONS = Dimensions(text=TEXT, vision=VISION, coordinated=TEXT)


def direction(topic: int, dimensions: int, wobble: float = 0.05, seed: int = 0) -> np.ndarray:
    """Return a unit vector of a topic, a little off."""
    vector = np.zeros(dimensions)
    vector[topic % dimensions] = 1.0
    vector += wobble * np.random.default_rng([seed, topic]).standard_normal(dimensions)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def shots(edges_s: list[float], transition: str = "cut") -> list[Shot]:
    return [
        Shot(index, low, high, "start" if index == 0 else transition, 1.0)  # type: ignore[arg-type]
        for index, (low, high) in enumerate(pairwise(edges_s))
    ]


def keyframe(
    index: int, time_s: float, shot_index: int, topic: int, *, label: str = "", score: float = 0.7, title: str = ""
) -> Keyframe:
    lines = (TextLine(title, (0.1, 0.1, 0.9, 0.2), 0.95),) if title else ()
    return Keyframe(
        index, time_s, shot_index, 100.0, index, 320, 180, b"", (Label(label, score),) if label else (), lines,
        f"Possibly {label}." if label else "Nothing was recognised.", "composed",
        direction(topic, VISION, seed=index),
    )  # fmt: skip


def seen(frame: Keyframe, *labels: tuple[str, float]) -> Keyframe:
    """Return the frame with these labels."""
    return replace(frame, labels=tuple(Label(name, score) for name, score in labels))


def utterance(
    index: int, start_s: float, end_s: float, text: str, topic: int, flags: tuple[str, ...] = ()
) -> Utterance:
    vector = direction(topic, TEXT, seed=index)
    return Utterance(index, start_s, end_s, text, "en", None, (), -0.2, 0.1, 1.2, flags, vector)


def content(
    shot_list: list[Shot],
    keyframes: list[Keyframe],
    utterances: list[Utterance],
    duration_s: float,
    screen: Sequence[TextSpan] = (),
) -> VideoContent:
    return VideoContent(duration_s, shot_list, keyframes, utterances, [*speech_spans(utterances, TEXT), *screen])


def scenes_of(video: VideoContent) -> tuple[Scene, ...]:
    """Return the scenes of a video, fused early; their subjects are not looked for."""
    found = find_scenes(video, dimensions=DIMENSIONS, config=ScenesConfig())
    weight = FusionConfig().text_weight
    fused = [fuse_early(scene.text_embedding, scene.vision_embedding, text_weight=weight) for scene in found]
    return build_scenes(found, [Subject()] * len(found), fused)
