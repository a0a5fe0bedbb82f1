"""Captions composed from labels and on-screen text: one honest sentence, named `composed` in the tables."""

from collections.abc import Sequence

from pipeline.understanding.words import shortened
from schemas.records import Label, TextLine

_SURE, _LIKELY, _POSSIBLE = 0.95, 0.3, 0.12
_MOST_LABELS = 3
_TITLE_LENGTH = 80


def compose_caption(labels: Sequence[Label], text_lines: Sequence[TextLine]) -> str:
    """Say in one sentence what a picture probably shows and what is written in it.

    Args:
        labels: What the vision model sees, the most probable first.
        text_lines: Text on screen, in reading order.

    Returns:
        A sentence; never empty, and never surer than the model.
    """
    shown = _shown(labels)
    title = title_line(text_lines)
    written = f"the text “{shortened(title.text, _TITLE_LENGTH)}”" if title else ""
    if shown and written:
        return f"{shown}, with {written}."
    if written:
        return f"A picture with {written}."
    return f"{shown}." if shown else "A picture in which nothing was recognised."


def title_line(text_lines: Sequence[TextLine]) -> TextLine | None:
    """Return the line that people would take for the title: large, high up, and more than a number."""
    worded = [line for line in text_lines if sum(character.isalpha() for character in line.text) >= 3]
    return max(worded, key=_prominence, default=None)


def _prominence(line: TextLine) -> float:
    height = line.box[3] - line.box[1]
    return height * (1.3 - 0.6 * line.box[1]) * line.score


def _shown(labels: Sequence[Label]) -> str:
    if not labels or labels[0].score < _POSSIBLE:
        return ""
    best = labels[0]
    if best.score >= _SURE:
        return f"Shows {_with_article(best.label)}"
    named = [label for label in labels[:_MOST_LABELS] if label.score >= max(_POSSIBLE, best.score / 3)]
    listed = " or ".join(_with_article(label.label) for label in named)
    return f"{'Probably' if best.score >= _LIKELY else 'Possibly'} {listed}"


def _with_article(name: str) -> str:
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        return name
    return f"{'an' if name[:1].lower() in set('aeiou') else 'a'} {name}"
