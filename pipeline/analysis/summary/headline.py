"""The headline: a title card, else a spoken sentence, else what is seen, else the file name."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

import numpy as np

from pipeline.analysis.description import (
    best_reading,
    capitalised,
    describe_test_pattern,
    find_sights,
    footage,
    how_it_looks,
    is_title,
    screen_title,
    video_title,
    what_is_heard,
    what_is_shown,
    with_rhythm,
    without_running_lines,
)
from pipeline.analysis.scenes import sentence_title
from pipeline.analysis.summary.statements import Statement
from pipeline.language import clean, format_duration, shortened
from schemas.records import Keyframe, Shot, Sound, Utterance

HEADLINE_LENGTH = 90
_FIT = 0.4
_CUT = 0.75
"""Factor of the score of a sentence that must be cut."""
_LEAD, _LEAD_SHARE = 1.3, 0.2
"""Factor of the score of a sentence in the first part of a video, which often says what it is about."""
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
    utterances: Sequence[Utterance],
    shots: Sequence[Shot],
    *,
    sounds: Sequence[Sound],
    talkative: bool,
    duration_s: float,
    uri: str,
) -> str:
    """Describe a video in one line; saying little is better than saying something wrong.

    Args:
        spoken: Spoken statements.
        scores: (n,) how well each statement describes the video.
        keyframes: In order of time, with all their lines of text.
        utterances: What is said.
        shots: For counting.
        sounds: Music, singing and other classes of sound.
        talkative: Whether a large share of the video is speech.
        duration_s: Length of the video.
        uri: For the file name.

    Returns:
        1 to 90 characters, the first of: the title that the video shows; the best sentence, if there is much speech;
        what is seen for certain, and heard beside it; a title on any frame; the best sentence; any line on a frame; the
        best line of a song; the file name, if it is meaningful; how it looks and sounds, with the number of shots and
        the duration.
    """
    speech = [index for index, each in enumerate(spoken) if not each.sung]
    said = _best_sentence([spoken[index] for index in speech], scores[speech], duration_s)
    lyrics = "" if said else _best_sentence(spoken, scores, duration_s)
    frames = without_running_lines(keyframes)
    shown = describe_test_pattern(frames) or what_is_shown(find_sights(frames), frames)
    heard = what_is_heard(sounds, duration_s)
    written = [title for title in map(screen_title, frames) if title]
    candidates = (
        video_title(keyframes, utterances, duration_s),
        said if talkative or not keyframes else "",
        f"{with_rhythm(shown, shots)}{how_it_looks(frames)}{f', with {heard}' if heard else ''}" if shown else "",
        best_reading(named[0], written) if (named := [each for each in written if is_title(each)]) else "",
        said,
        best_reading(written[0], written) if written else "",
        lyrics,
        from_name(uri) if _name_words(uri) else "",
        footage(keyframes, len(shots), duration_s, heard) if keyframes else "",
        f"{capitalised(heard) or 'Audio without speech'} ({format_duration(duration_s)})" if not spoken else "",
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


def _best_sentence(spoken: Sequence[Statement], scores: np.ndarray, duration_s: float) -> str:
    """Return the best sentence, preferring an early one and one that need not be cut."""
    if not spoken:
        return ""
    fit = [index for index, each in enumerate(spoken) if each.weight >= _FIT] or list(range(len(spoken)))

    def score(index: int) -> float:
        whole = 1.0 if len(spoken[index].text) <= HEADLINE_LENGTH else _CUT
        lead = _LEAD if spoken[index].start_s < _LEAD_SHARE * duration_s else 1.0
        return float(scores[index] * whole * lead)

    best = max(fit, key=score)
    text = spoken[best].text
    return text if len(text) <= HEADLINE_LENGTH else sentence_title(text, length=HEADLINE_LENGTH) or text
