"""Captions: composed from labels, on-screen text and speech in one honest sentence, where no model makes them."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from pipeline.analysis.scenes.object_labels import NAMES_OF_TEXT
from pipeline.analysis.scenes.wording import shortened
from schemas.config import COMPOSED
from schemas.records import Embedding, Keyframe, Label, TextLine, Utterance

_SURE, _LIKELY, _POSSIBLE = 0.95, 0.3, 0.12
_MAX_LABELS = 3
_TITLE_LENGTH, _QUOTE_LENGTH = 80, 80
_BEGINS_WITH_VOWEL = re.compile(r"(?!uni|eu|one)[aeiou]|hour", re.IGNORECASE)
"""As it is spoken: a unicycle, a European polecat, an hourglass."""


def compose_caption(labels: Sequence[Label], text_lines: Sequence[TextLine], said: str = "") -> str:
    """Say in one sentence what a picture probably shows, what is written in it and what is said meanwhile.

    Args:
        labels: What the vision model sees, the most probable first.
        text_lines: Text on screen, in reading order.
        said: What is said while it is shown; it is quoted.

    Returns:
        A sentence; never empty, and never surer than the model.
    """
    title = title_line(text_lines)
    # Of a slide, what is written on it says more than that it looks like a website.
    shown = _shown([label for label in labels if label.label not in NAMES_OF_TEXT] if title else labels)
    written = f"the text “{shortened(title.text, _TITLE_LENGTH)}”" if title else ""
    if written:
        caption = f"{shown}, with {written}" if shown else f"A picture with {written}"
    else:
        caption = shown or "A picture in which nothing was recognised"
    return f"{caption}, while someone says {_quoted(said)}." if said.strip() else f"{caption}."


def caption_keyframes(keyframes: Sequence[Keyframe], utterances: Sequence[Utterance]) -> tuple[Keyframe, ...]:
    """Compose captions anew with what is said while each frame is shown; those of a model stay as they are.

    Args:
        keyframes: In order of time.
        utterances: In order of time; doubtful ones are not quoted.
    """
    sure = [utterance for utterance in utterances if not utterance.flags]
    starts = [utterance.start_s for utterance in sure]
    captioned = []
    for frame in keyframes:
        place = bisect_right(starts, frame.time_s) - 1
        said = sure[place].text if place >= 0 and frame.time_s < sure[place].end_s else ""
        if said and frame.caption_source == COMPOSED:
            captioned.append(replace(frame, caption=compose_caption(frame.labels, frame.text_lines, said)))
        else:
            captioned.append(frame)
    return tuple(captioned)


def caption_scene(
    frames: Sequence[Keyframe], labels: Sequence[Label], vision: Embedding, said: str, *, pictures: bool
) -> str:
    """Say in one sentence what a scene shows: what a model says of its most typical frame, else composed.

    Args:
        frames: Keyframes of the scene.
        labels: Of all of them.
        vision: (d,) unit vector of its pictures; the most typical frame is nearest to it.
        said: What is said in it that is most typical; it is quoted where no model speaks.
        pictures: Whether there are any, be it without a keyframe.
    """
    by_model = [frame for frame in frames if frame.caption_source != COMPOSED and frame.caption]
    if by_model:
        return max(by_model, key=lambda frame: float(frame.embedding @ vision)).caption
    if frames:
        most_text = max(frames, key=lambda frame: sum(len(line.text) for line in frame.text_lines))
        return compose_caption(labels, most_text.text_lines, said)
    if pictures:
        return compose_caption((), (), said)
    return f"Sound without pictures: someone says {_quoted(said)}." if said.strip() else "Sound without pictures."


def title_line(text_lines: Sequence[TextLine]) -> TextLine | None:
    """Return the line that people would take for the title: large, high up, and more than a number."""
    worded = [line for line in text_lines if sum(character.isalpha() for character in line.text) >= 3]
    return max(worded, key=_prominence, default=None)


def _prominence(line: TextLine) -> float:
    height = line.box[3] - line.box[1]
    return height * (1.3 - 0.6 * line.box[1]) * line.score


def _quoted(said: str) -> str:
    return f"“{shortened(said, _QUOTE_LENGTH).rstrip('.。')}”"


def _shown(labels: Sequence[Label]) -> str:
    if not labels or labels[0].score < _POSSIBLE:
        return ""
    best = labels[0]
    if best.score >= _SURE:
        return f"Shows {_with_article(best.label)}"
    named = [label for label in labels[:_MAX_LABELS] if label.score >= max(_POSSIBLE, best.score / 3)]
    listed = " or ".join(_with_article(label.label) for label in named)
    return f"{'Probably' if best.score >= _LIKELY else 'Possibly'} {listed}"


def _with_article(name: str) -> str:
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        return name
    return f"{'an' if _BEGINS_WITH_VOWEL.match(name) else 'a'} {name}"
