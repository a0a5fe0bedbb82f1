"""Text spans: text with its time range and vector, from speech or from the screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from schemas.records import Embedding, Keyframe, Shot

_MIN_LETTERS = 2


@dataclass(frozen=True, slots=True, eq=False)
class TextSpan:
    """Text with its time range and its vector."""

    start_s: float
    end_s: float
    text: str
    embedding: Embedding
    kind: Literal["speech", "screen"]


def shown_from(keyframes: Sequence[Keyframe], shots: Sequence[Shot]) -> list[float]:
    """Return the time from which each keyframe represents what is shown. It does so until the next one takes over.

    The first keyframe of a shot represents it from its start. A shot without a keyframe is represented by the keyframe
    before it.

    Args:
        keyframes: In order of time.
        shots: In order of time; without them, a keyframe represents what follows it.
    """
    starts_s = {shot.index: shot.start_s for shot in shots}
    begins = []
    for index, frame in enumerate(keyframes):
        first = index == 0 or keyframes[index - 1].shot_index != frame.shot_index
        begins.append(min(starts_s.get(frame.shot_index, frame.time_s), frame.time_s) if first else frame.time_s)
    return begins


def shown_spans(
    keyframes: Sequence[Keyframe], duration_s: float, shots: Sequence[Shot] = ()
) -> list[tuple[float, float]]:
    """Return the time range in which each keyframe represents what is shown; see `shown_from`."""
    edges_s = [*shown_from(keyframes, shots), duration_s]
    return [(start_s, max(start_s, end_s)) for start_s, end_s in pairwise(edges_s)]


def screen_spans(
    keyframes: Sequence[Keyframe], duration_s: float, shots: Sequence[Shot] = ()
) -> list[tuple[float, float, str]]:
    """Return start, end and text of each time range in which the same text is on screen.

    A keyframe's text lasts as long as the keyframe represents the video (`shown_from`). Successive equal texts are one
    range. Text with fewer than two letters is left out: it means nothing alone and is often misread.
    """
    spans: list[tuple[float, float, str]] = []
    for (start_s, end_s), frame in zip(shown_spans(keyframes, duration_s, shots), keyframes, strict=True):
        text = written_text(frame)
        if sum(character.isalpha() for character in text) < _MIN_LETTERS:
            continue
        if spans and spans[-1][2] == text and spans[-1][1] == start_s:
            spans[-1] = (spans[-1][0], end_s, text)
        else:
            spans.append((start_s, end_s, text))
    return spans


def screen_texts(keyframes: Sequence[Keyframe], duration_s: float, shots: Sequence[Shot]) -> list[TextSpan]:
    """Return `screen_spans` with the text vectors of their keyframes."""
    by_text = {written_text(frame): frame.text_embedding for frame in keyframes}
    spans = []
    for start_s, end_s, text in screen_spans(keyframes, duration_s, shots):
        vector = by_text[text]
        assert vector is not None  # noqa: S101 - the text stage gives one to every frame
        spans.append(TextSpan(start_s=start_s, end_s=end_s, text=text, embedding=vector, kind="screen"))
    return spans


def written_text(frame: Keyframe) -> str:
    """Return the on-screen text of a frame, with its line breaks."""
    return "\n".join(line.text for line in frame.text_lines)
