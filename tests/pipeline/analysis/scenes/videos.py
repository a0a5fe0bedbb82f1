"""Invented videos as the steps before would describe them, with vectors that mean something."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from schemas.records import Keyframe, Label, Shot, TextLine, Utterance

TEXT, VISION = 8, 6


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
        f"Shows {label}." if label else "A picture in which nothing was recognised.", "composed",
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
