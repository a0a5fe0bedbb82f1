"""The headline: a title card, else what is said, else what is seen for certain or the name of the file."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

import numpy as np

from pipeline.analysis.scenes import (
    FEW_SHOTS,
    TITLE_HEIGHT,
    clean,
    duration,
    is_caption,
    screen_title,
    sentence_title,
    shortened,
    sightings,
)
from pipeline.analysis.summary.statements import Statement
from schemas.records import Keyframe, Shot

HEADLINE_LENGTH = 90
_FIT = 0.4
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
    """Say in one line what a video is; rather little than something wrong.

    Args:
        spoken: What was said.
        scores: (n,) how well each says what the video is about.
        keyframes: In order of time.
        shots: For counting.
        talkative: Whether speech is what the video is about.
        duration_s: Its length.
        uri: Names the file.

    Returns:
        90 characters at most, never empty: the title card; else the best sentence; else a file name of several words;
        else what `sightings` believes; else the file's name, if it means anything; else how long it is.
    """
    said = _said(spoken, scores)
    words = _name_words(uri)
    seen = [each.name for each in sightings(keyframes) if each.persists or len(shots) < FEW_SHOTS]
    pictures = f"{len(shots)} shots, " if len(shots) > 1 else "one shot, " if shots else ""
    measure = f"{pictures}{duration(duration_s)}"
    candidates = (
        _title_card(keyframes),
        said if talkative or not keyframes else "",
        from_name(uri) if len(words) > 1 else "",
        f"Possibly {', '.join(seen[:2])} ({measure})" if seen else "",
        next((title for title in _titles(keyframes) if title), ""),
        from_name(uri) if words else "",
        said,
        f"{'Video' if keyframes else 'Sound'} without speech ({measure})" if not spoken else "",
        from_name(uri),
    )
    return shortened(next(each for each in candidates if each), HEADLINE_LENGTH)


def from_name(uri: str) -> str:
    """Return the name of a file as words, without its ending."""
    name = PurePosixPath(unquote(uri.replace("\\", "/"))).name
    stem = name.rpartition(".")[0] or name
    return shortened(clean(re.sub(r"[_\-.]+", " ", stem)), HEADLINE_LENGTH) or "Untitled"


def _name_words(uri: str) -> list[str]:
    """Return the words of a file's name that people gave it, rather than a camera or a program."""
    words = from_name(uri).split()
    return [word for word in words if word.isalpha() and len(word) > 2 and word.casefold() not in _MEANINGLESS]


def _title_card(keyframes: Sequence[Keyframe]) -> str:
    """Return a large line of text on the first keyframes, as a title card or first slide has."""
    return next((title for title in _titles(keyframes[:2], min_height=_CARD_HEIGHT) if len(title) >= 6), "")


def _titles(keyframes: Sequence[Keyframe], min_height: float = TITLE_HEIGHT) -> Iterator[str]:
    return (screen_title(frame, min_height=min_height) for frame in keyframes if not is_caption(frame))


def _said(spoken: Sequence[Statement], scores: np.ndarray) -> str:
    """Return the best sentence, whole if there is a good one that is short enough."""
    if not spoken:
        return ""
    fit = [place for place, each in enumerate(spoken) if each.weight >= _FIT] or list(range(len(spoken)))
    # One that must be cut must be so much better.
    best = max(fit, key=lambda place: scores[place] * (1.0 if len(spoken[place].text) <= HEADLINE_LENGTH else 0.75))
    text = spoken[best].text
    return text if len(text) <= HEADLINE_LENGTH else sentence_title(text, length=HEADLINE_LENGTH) or text
