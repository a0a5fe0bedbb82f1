"""Stretches of time with a text: what is on screen from one keyframe to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.records import Embedding, Keyframe, Shot

_MIN_LETTERS = 2


@dataclass(frozen=True, slots=True, eq=False)
class TextSpan:
    """Text with its place in time and its vector."""

    start_s: float
    end_s: float
    text: str
    embedding: Embedding
    kind: Literal["speech", "screen"]


def shown_from(keyframes: Sequence[Keyframe], shots: Sequence[Shot]) -> list[float]:
    """Return for each keyframe the time from which it stands for what is shown, until the next one does.

    The first of a shot stands for it from its beginning; shots without a keyframe look like the one before.

    Args:
        keyframes: In order of time.
        shots: In order of time; without them, a keyframe stands for what follows it.
    """
    starts_s = {shot.index: shot.start_s for shot in shots}
    begins = []
    for place, frame in enumerate(keyframes):
        first = place == 0 or keyframes[place - 1].shot_index != frame.shot_index
        begins.append(min(starts_s.get(frame.shot_index, frame.time_s), frame.time_s) if first else frame.time_s)
    return begins


def screen_spans(
    keyframes: Sequence[Keyframe], duration_s: float, shots: Sequence[Shot] = ()
) -> list[tuple[float, float, str]]:
    """Return start, end and text of each stretch in which the same text is on screen.

    A keyframe's text stands as long as the keyframe does (`shown_from`); equal texts that follow each other are one
    stretch. A single letter or a number means nothing by itself, and is often no text at all.
    """
    edges_s = [*shown_from(keyframes, shots), duration_s]
    spans: list[tuple[float, float, str]] = []
    for place, frame in enumerate(keyframes):
        start_s, end_s = edges_s[place], max(edges_s[place + 1], edges_s[place])
        text = written_text(frame)
        if sum(character.isalpha() for character in text) < _MIN_LETTERS:
            continue
        if spans and spans[-1][2] == text and spans[-1][1] == start_s:
            spans[-1] = (spans[-1][0], end_s, text)
        else:
            spans.append((start_s, end_s, text))
    return spans


def written_text(frame: Keyframe) -> str:
    """Return what is on screen, a line of text a line."""
    return "\n".join(line.text for line in frame.text_lines)
