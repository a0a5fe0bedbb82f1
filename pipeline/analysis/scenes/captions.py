"""Captions: one sentence composed from labels, on-screen text and speech, used when no captioning model runs."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from pipeline.analysis.scenes.object_labels import NAMES_OF_TEXT
from pipeline.language import shortened
from schemas.config import COMPOSED
from schemas.records import Embedding, Keyframe, Label, TextLine, Utterance

_CERTAIN, _PROBABLE, _POSSIBLE = 0.95, 0.3, 0.12
_MAX_LABELS = 3
_TITLE_LENGTH, _QUOTE_LENGTH = 80, 80
_BEGINS_WITH_VOWEL = re.compile(r"(?!uni|eu|one)[aeiou]|hour", re.IGNORECASE)
"""By sound: a unicycle, a European polecat, an hourglass."""


def compose_caption(labels: Sequence[Label], text_lines: Sequence[TextLine], speech: str = "") -> str:
    """Describe a frame in one sentence: its likely content, its text and the speech at that time.

    Args:
        labels: Predicted by the vision model, the most probable first.
        text_lines: Text on screen, in reading order.
        speech: Quoted in the caption.

    Returns:
        A sentence; never empty, and never more certain than the model.
    """
    title = title_line(text_lines)
    # The text on a slide says more than the label `website`.
    shown = _shown([label for label in labels if label.label not in NAMES_OF_TEXT] if title else labels)
    written = f"the text “{shortened(title.text, _TITLE_LENGTH)}”" if title else ""
    if written:
        caption = f"{shown}, with {written}" if shown else f"A picture with {written}"
    else:
        caption = shown or "A picture in which nothing was recognised"
    return f"{caption}, while someone says {_quoted(speech)}." if speech.strip() else f"{caption}."


def caption_keyframes(keyframes: Sequence[Keyframe], utterances: Sequence[Utterance]) -> tuple[Keyframe, ...]:
    """Compose the captions of frames anew, with the speech at their times; captions by a model stay unchanged.

    Args:
        keyframes: In order of time.
        utterances: In order of time; doubtful ones are not quoted.
    """
    quotable = [utterance for utterance in utterances if not utterance.flags]
    starts = [utterance.start_s for utterance in quotable]
    captioned = []
    for frame in keyframes:
        index = bisect_right(starts, frame.time_s) - 1
        speech = quotable[index].text if index >= 0 and frame.time_s < quotable[index].end_s else ""
        if frame.caption_source == COMPOSED:
            captioned.append(replace(frame, caption=compose_caption(frame.labels, frame.text_lines, speech)))
        else:
            captioned.append(frame)
    return tuple(captioned)


def caption_scene(
    frames: Sequence[Keyframe], labels: Sequence[Label], vision: Embedding, speech: str, *, has_images: bool
) -> str:
    """Describe a scene in one sentence: the model's caption of its most typical frame, or a composed caption.

    Args:
        frames: Keyframes of the scene.
        labels: Of all its keyframes.
        vision: (d,) unit vector of the scene's frames; the most typical frame is nearest to it.
        speech: The scene's most typical speech; quoted in a composed caption.
        has_images: False for audio alone. A scene with images may still have no keyframe.
    """
    by_model = [frame for frame in frames if frame.caption_source != COMPOSED and frame.caption]
    if by_model:
        return max(by_model, key=lambda frame: float(frame.embedding @ vision)).caption
    if frames:
        most_text = max(frames, key=lambda frame: sum(len(line.text) for line in frame.text_lines))
        return compose_caption(labels, most_text.text_lines, speech)
    if has_images:
        return compose_caption((), (), speech)
    return f"Sound without pictures: someone says {_quoted(speech)}." if speech.strip() else "Sound without pictures."


def title_line(text_lines: Sequence[TextLine]) -> TextLine | None:
    """Return the most prominent line, large and high up; lines with fewer than three letters do not count."""
    worded = [line for line in text_lines if sum(character.isalpha() for character in line.text) >= 3]
    return max(worded, key=_prominence, default=None)


def _prominence(line: TextLine) -> float:
    height = line.box[3] - line.box[1]
    return height * (1.3 - 0.6 * line.box[1]) * line.score


def _quoted(speech: str) -> str:
    return f"“{shortened(speech, _QUOTE_LENGTH).rstrip('.。')}”"


def _shown(labels: Sequence[Label]) -> str:
    if not labels or labels[0].score < _POSSIBLE:
        return ""
    best = labels[0]
    if best.score >= _CERTAIN:
        return f"Shows {_with_article(best.label)}"
    named = [label for label in labels[:_MAX_LABELS] if label.score >= max(_POSSIBLE, best.score / 3)]
    listed = " or ".join(_with_article(label.label) for label in named)
    return f"{'Probably' if best.score >= _PROBABLE else 'Possibly'} {listed}"


def _with_article(name: str) -> str:
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        return name
    return f"{'an' if _BEGINS_WITH_VOWEL.match(name) else 'a'} {name}"
