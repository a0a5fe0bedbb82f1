"""The headline: a title card, else a spoken sentence, else object labels or the file name."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

import numpy as np

from pipeline.analysis.scenes import (
    FEW_SHOTS,
    TITLE_HEIGHT,
    find_object_labels,
    is_caption,
    screen_title,
    sentence_title,
)
from pipeline.analysis.summary.statements import Statement
from pipeline.language import clean, format_duration, shortened
from schemas.records import Keyframe, Shot

HEADLINE_LENGTH = 90
_FIT = 0.4
_CUT = 0.75
"""Factor of the score of a sentence that must be cut."""
_CARD_HEIGHT = 0.06
_MEANINGLESS = frozenset(
    {
        "audio", "avi", "camera", "cam", "capture", "clip", "copy", "demo", "download", "dsc", "edit", "export", "film",
        "final", "footage", "gopr", "gopro", "high", "image", "img", "main", "mkv", "mov", "movie", "mpeg", "new",
        "original", "out", "output", "part", "pxl", "rec", "record", "recording", "render", "sample", "screen", "shot",
        "small", "temp", "test", "tmp", "track", "trim", "trimmed", "untitled", "version", "vid", "video", "webm",
        "whatsapp", "www", "youtube", "zoom",
    }
)  # fmt: skip


def make_headline(
    spoken: Sequence[Statement],
    scores: np.ndarray,
    keyframes: Sequence[Keyframe],
    shots: Sequence[Shot],
    *,
    talkative: bool,
    duration_s: float,
    uri: str,
) -> str:
    """Describe a video in one line; saying little is better than saying something wrong.

    Args:
        spoken: Spoken statements.
        scores: (n,) how well each statement describes the video.
        keyframes: In order of time.
        shots: For counting.
        talkative: Whether a large share of the video is speech.
        duration_s: Length of the video.
        uri: For the file name.

    Returns:
        1 to 90 characters: the title card; else the best sentence; else a file name of several words; else object
        labels; else the file name, if it is meaningful; else the duration.
    """
    said = _best_sentence(spoken, scores)
    words = _name_words(uri)
    seen = [each.name for each in find_object_labels(keyframes) if each.recurs or len(shots) < FEW_SHOTS]
    count = f"{len(shots)} shots, " if len(shots) > 1 else "one shot, " if shots else ""
    length = f"{count}{format_duration(duration_s)}"
    candidates = (
        _title_card(keyframes),
        said if talkative or not keyframes else "",
        from_name(uri) if len(words) > 1 else "",
        f"Possibly {', '.join(seen[:2])} ({length})" if seen else "",
        next((title for title in _titles(keyframes) if title), ""),
        from_name(uri) if words else "",
        said,
        f"{'Video' if keyframes else 'Sound'} without speech ({length})" if not spoken else "",
        from_name(uri),
    )
    return shortened(next(each for each in candidates if each), HEADLINE_LENGTH)


def from_name(uri: str) -> str:
    """Return the name of a file as words, without its extension."""
    name = PurePosixPath(unquote(uri.replace("\\", "/"))).name
    stem = name.rpartition(".")[0] or name
    return shortened(clean(re.sub(r"[_\-.]+", " ", stem)), HEADLINE_LENGTH) or "Untitled"


def _name_words(uri: str) -> list[str]:
    """Return the words of a file name that a person, rather than a camera or a program, probably chose."""
    words = from_name(uri).split()
    return [word for word in words if word.isalpha() and len(word) > 2 and word.casefold() not in _MEANINGLESS]


def _title_card(keyframes: Sequence[Keyframe]) -> str:
    """Return a large line of text on the first two keyframes, as on a title card or a first slide."""
    return next((title for title in _titles(keyframes[:2], min_height=_CARD_HEIGHT) if len(title) >= 6), "")


def _titles(keyframes: Sequence[Keyframe], min_height: float = TITLE_HEIGHT) -> Iterator[str]:
    return (screen_title(frame, min_height=min_height) for frame in keyframes if not is_caption(frame))


def _best_sentence(spoken: Sequence[Statement], scores: np.ndarray) -> str:
    """Return the best sentence, preferring one that need not be cut."""
    if not spoken:
        return ""
    fit = [index for index, each in enumerate(spoken) if each.weight >= _FIT] or list(range(len(spoken)))
    best = max(fit, key=lambda index: scores[index] * (1.0 if len(spoken[index].text) <= HEADLINE_LENGTH else _CUT))
    text = spoken[best].text
    return text if len(text) <= HEADLINE_LENGTH else sentence_title(text, length=HEADLINE_LENGTH) or text
