"""Compare what the lake says about a file with what is true."""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.material.analysed import Row, Video
from benchmarks.material.field import Truth
from benchmarks.material.field.case import Color
from benchmarks.measures.times import matches

DURATION_TOLERANCE_S = 0.1
CUT_TOLERANCE_S = 0.1
START_TOLERANCE_S = 0.5
"""Of the start of a word: the recogniser's timestamps are not more exact."""
MIN_LANGUAGE_SHARE = 0.97
"""Of the seconds of a stretch with utterances, in the language spoken."""
COLOR_TOLERANCE = 12
_ASPECT_TOLERANCE = 0.02
_FIRST_WORD = re.compile(r"\bn?ever\b", re.IGNORECASE)
_GROUP_WORDS = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """One fact about one file."""

    fact: str
    expected: str
    actual: str
    right: bool


def verdicts(truth: Truth, video: Video | None, error: Row | None) -> Iterator[Verdict]:
    """Yield what is expected of a file and what came out.

    Args:
        truth: What is true about the file.
        video: Its rows; None if its analysis failed.
        error: Its row in `errors`, if its analysis failed.
    """
    actual = "analysed" if error is None else error["kind"]
    if video is None or truth.error is not None:
        expected = truth.error or "analysed"
        yield Verdict("outcome", expected, actual, actual == expected)
        return
    for name, check in _CHECKS.items():
        if getattr(truth, name):
            yield from check(getattr(truth, name), video)


def _duration(expected_s: float, video: Video) -> Iterator[Verdict]:
    actual_s = video.row["duration_s"]
    yield Verdict(
        "duration", f"{expected_s:.2f} s", f"{actual_s:.2f} s", abs(actual_s - expected_s) <= DURATION_TOLERANCE_S
    )


def _groups(expected_s: Sequence[float], video: Video) -> Iterator[Verdict]:
    """Compare where groups start, by the first `ever` of each, and how many words they have."""
    starts_s = [
        word["start_s"] for row in video.utterances for word in row["words"] if _FIRST_WORD.search(word["word"])
    ]
    # Each group says it twice, and a group lasts 10 s.
    firsts_s = [start_s for index, start_s in enumerate(starts_s) if not index or start_s - starts_s[index - 1] > 5]
    right = matches(firsts_s, expected_s, START_TOLERANCE_S) == len(expected_s) == len(firsts_s)
    yield Verdict("sentence groups", _seconds(expected_s), _seconds(firsts_s), right)
    words, expected = video.row["words"], _GROUP_WORDS * len(expected_s)
    yield Verdict("words", str(expected), str(words), abs(words - expected) <= max(1, expected // 12))


def _cuts(expected_s: Sequence[float], video: Video) -> Iterator[Verdict]:
    starts_s = [shot["start_s"] for shot in video.shots[1:]]
    right = matches(starts_s, expected_s, CUT_TOLERANCE_S) == len(expected_s) == len(starts_s)
    yield Verdict("cuts", _seconds(expected_s), _seconds(starts_s), right)


def _drawn(period_s: float, video: Video) -> Iterator[Verdict]:
    """Compare the time of each keyframe with the second that is drawn on it."""
    read = [
        (frame["time_s"] % period_s, int(found[1]))
        for frame in video.frames
        if (found := re.search(r"(\d{3})", frame["text"].replace("O", "0")))
    ]
    right = sum(second - 0.1 <= time_s < second + 1.1 for time_s, second in read)
    count = len(video.frames)
    wrong = [f"{second:03d} at {time_s:.1f} s" for time_s, second in read if not second - 0.1 <= time_s < second + 1.1]
    actual = f"{right} of {count}" + (f", {', '.join(wrong[:3])}" if wrong else "")
    yield Verdict("drawn seconds", f"{count} of {count}", actual, not wrong and right >= max(1, 0.7 * count))


def _colors(expected: dict[float, Color], video: Video) -> Iterator[Verdict]:
    for time_s, color in expected.items():
        frame = _frame_at(video, time_s)
        actual = _color(frame["thumbnail"]) if frame else None
        right = actual is not None and max(abs(a - b) for a, b in zip(actual, color, strict=True)) <= COLOR_TOLERANCE
        yield Verdict(f"colour at {time_s:g} s", str(color), str(actual), right)


def _sizes(expected: dict[float, tuple[int, int]], video: Video) -> Iterator[Verdict]:
    for time_s, (width, height) in expected.items():
        frame = _frame_at(video, time_s) or {"width": 0, "height": 1}
        actual = frame["width"] / frame["height"]
        right = abs(actual / (width / height) - 1) <= _ASPECT_TOLERANCE
        yield Verdict(f"shape at {time_s:g} s", f"{width / height:.2f}", f"{actual:.2f}", right)


def _written(expected: dict[float, str], video: Video) -> Iterator[Verdict]:
    for time_s, text in expected.items():
        frame = _frame_at(video, time_s)
        actual = frame["text"] if frame else ""
        right = text.replace(" ", "") in actual.replace(" ", "").replace("O", "0")
        yield Verdict(f"text at {time_s:g} s", text, actual, right)


def _columns(expected: dict[str, Any], video: Video) -> Iterator[Verdict]:
    for column, value in expected.items():
        actual = video.row.get(column, "no such column")
        close = isinstance(value, float) and isinstance(actual, float) and abs(actual / value - 1) < 0.005
        yield Verdict(
            column, str(value), f"{actual:.3f}" if isinstance(actual, float) else str(actual), close or actual == value
        )


def _texts(expected: dict[str, int], video: Video) -> Iterator[Verdict]:
    spoken = " ".join(row["text"] for row in video.utterances).lower().replace(".", "").replace(",", "")
    for text, count in expected.items():
        actual = spoken.count(text.lower())
        yield Verdict(f"“{text}”", f"{count} times", f"{actual} times", actual == count)


def _languages(expected: Sequence[tuple[float, float, str]], video: Video) -> Iterator[Verdict]:
    """Compare the languages of the utterances with the one that is spoken at the time."""
    for start_s, end_s, language in expected:
        seconds: Counter[str] = Counter()
        for row in video.utterances:
            overlap_s = min(end_s, row["end_s"]) - max(start_s, row["start_s"])
            if overlap_s > 0:
                seconds[row["language"]] += overlap_s
        total_s = sum(seconds.values())
        actual = ", ".join(f"{each} {heard_s / total_s:.0%}" for each, heard_s in seconds.most_common())
        right = seconds[language] >= MIN_LANGUAGE_SHARE * max(total_s, (end_s - start_s) / 2)
        fact, length = f"language at {start_s:.1f} s", f"{language} for {end_s - start_s:.1f} s"
        yield Verdict(fact, length, actual or "none", right)


def _chapters(expected: Sequence[str], video: Video) -> Iterator[Verdict]:
    titles = [chapter["title"] for chapter in video.row["file_chapters"]]
    yield Verdict("chapters", ", ".join(expected), ", ".join(titles) or "none", titles == list(expected))


def _warning(expected: str, video: Video) -> Iterator[Verdict]:
    warnings = video.row["warnings"]
    yield Verdict(
        "warning", f"… {expected} …", " ".join(warnings) or "none", any(expected in each for each in warnings)
    )


_CHECKS: dict[str, Callable[[Any, Video], Iterator[Verdict]]] = {
    "duration_s": _duration,
    "groups_s": _groups,
    "cuts_s": _cuts,
    "drawn_s": _drawn,
    "colors": _colors,
    "sizes": _sizes,
    "written": _written,
    "videos": _columns,
    "words": _texts,
    "languages": _languages,
    "chapters": _chapters,
    "warning": _warning,
}
"""By the field of `Truth`."""


def _frame_at(video: Video, time_s: float) -> Row | None:
    return min(video.frames, key=lambda frame: abs(frame["time_s"] - time_s), default=None)


def _color(thumbnail: bytes) -> Color:
    """Return the mean colour of the middle of the right half."""
    with Image.open(io.BytesIO(thumbnail)) as image:
        pixels = np.asarray(image.convert("RGB"), np.float32)
    height, width = pixels.shape[:2]
    middle = pixels[height * 2 // 5 : height * 3 // 5, width * 3 // 5 : width * 4 // 5]
    red, green, blue = (round(float(value)) for value in middle.mean(axis=(0, 1)))
    return red, green, blue


def _seconds(times_s: Sequence[float]) -> str:
    return " ".join(f"{time_s:.1f}" for time_s in times_s) or "none"
