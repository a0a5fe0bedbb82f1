"""Highlights: moments worth jumping to, each with a reason."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.analysis.description import find_sights, is_caption, screen_title, without_attire
from pipeline.analysis.scenes import shown_from
from pipeline.analysis.summary.statements import Statement
from pipeline.language import shortened
from schemas.records import Highlight, Keyframe, Shot

_QUOTE_LENGTH = 70
_SHOWN_S = 5.0
_REPEATED_KIND = 0.8
"""Factor of the score of a highlight for each chosen one of its kind."""


def find_highlights(
    statements: Sequence[Statement],
    scores: np.ndarray,
    keyframes: Sequence[Keyframe],
    shots: Sequence[Shot],
    *,
    duration_s: float,
    count: int,
) -> tuple[Highlight, ...]:
    """Find highlights that are spread over the video and over the kinds of reasons.

    Args:
        statements: Spoken statements.
        scores: (n,) how well each statement describes the video.
        keyframes: For on-screen text and what is seen.
        shots: To tell slides from other shots.
        duration_s: Length of the video.
        count: Maximum number of highlights.

    Returns:
        Highlights in order of time.
    """
    said = [_said(each, float(score)) for each, score in zip(statements, _relative(scores), strict=True)]
    found = [each for each in said if each is not None]
    found += [*_titles(keyframes, shots, duration_s), *_sights(keyframes, duration_s)]
    chosen: list[Highlight] = []
    kinds: Counter[str] = Counter()
    apart_s = duration_s / (2 * max(count, 1))
    while found and len(chosen) < count:
        best = max(found, key=lambda each: (each.score * _REPEATED_KIND ** kinds[_kind(each)], -each.start_s))
        chosen.append(best)
        kinds[_kind(best)] += 1
        found = [each for each in found if abs(each.start_s - best.start_s) >= apart_s and each.reason != best.reason]
    return tuple(sorted(chosen, key=lambda each: each.start_s))


def _kind(highlight: Highlight) -> str:
    return highlight.reason.partition(":")[0]


def _relative(scores: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(scores / max(float(scores.max(initial=0.0)), 1e-9)))


def _said(statement: Statement, score: float) -> Highlight | None:
    if statement.weight < 0.5:
        return None
    reason = f"Says: “{shortened(statement.text, _QUOTE_LENGTH)}”"
    return Highlight(statement.start_s, statement.end_s, reason, round(0.4 + 0.6 * score * statement.weight, 4))


def _titles(keyframes: Sequence[Keyframe], shots: Sequence[Shot], duration_s: float) -> Iterator[Highlight]:
    """Yield each title when it first appears, as a new slide or as a title on screen."""
    slides = {shot.index for shot in shots if shot.transition == "slide"}
    shown_s = shown_from(keyframes, shots)
    known: set[str] = set()
    for start_s, frame in zip(shown_s, keyframes, strict=True):
        title = screen_title(frame)
        if title and title not in known:
            known.add(title)
            kind = "New slide" if frame.shot_index in slides else "On screen"
            end_s = min(duration_s, frame.time_s + _SHOWN_S)
            score = 0.75 if is_caption(frame) else 0.85
            yield Highlight(start_s, end_s, f"{kind}: “{shortened(title, _QUOTE_LENGTH)}”", score)


def _sights(keyframes: Sequence[Keyframe], duration_s: float) -> Iterator[Highlight]:
    """Yield the first time that each thing is seen, among the better half of its frames."""
    for sight in without_attire(find_sights(keyframes)):
        name = sight.thing.name if sight.several else sight.thing.one
        name = name.partition(" ")[2] if sight.thing.role == "place" else name
        frame = min(sight.frames[: (len(sight.frames) + 1) // 2], key=lambda each: each.time_s)
        is_first = all(frame.time_s <= each.time_s for each in sight.frames)
        kind = "First shows" if sight.shots > 1 and is_first else "Shows"
        end_s = min(duration_s, frame.time_s + _SHOWN_S)
        yield Highlight(frame.time_s, end_s, f"{kind}: {name}", round(0.8 * sight.confidence, 4))
