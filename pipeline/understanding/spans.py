"""Stretches of time with a text: what is on screen from one keyframe to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.records import Embedding, Keyframe


@dataclass(frozen=True, slots=True, eq=False)
class TextSpan:
    """Text with its place in time and its vector."""

    start_s: float
    end_s: float
    text: str
    embedding: Embedding
    kind: Literal["speech", "screen"]


def screen_spans(keyframes: Sequence[Keyframe], duration_s: float) -> list[tuple[float, float, str]]:
    """Return start, end and text of each stretch in which the same text is on screen.

    A keyframe's text is taken to stand until the next keyframe; equal texts that follow each other are one stretch.
    """
    spans: list[tuple[float, float, str]] = []
    for place, frame in enumerate(keyframes):
        end_s = keyframes[place + 1].time_s if place + 1 < len(keyframes) else max(duration_s, frame.time_s)
        text = written_text(frame)
        if not text:
            continue
        if spans and spans[-1][2] == text and spans[-1][1] == frame.time_s:
            spans[-1] = (spans[-1][0], end_s, text)
        else:
            spans.append((frame.time_s, end_s, text))
    return spans


def written_text(frame: Keyframe) -> str:
    """Return what is on screen, a line of text a line."""
    return "\n".join(line.text for line in frame.text_lines)
