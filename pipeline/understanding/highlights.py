"""Moments worth jumping to, and the storyboard."""

from collections.abc import Sequence

import numpy as np

from pipeline.understanding.captions import title_line
from pipeline.understanding.statements import Statement
from pipeline.understanding.words import shortened
from schemas.records import Highlight, Keyframe, Shot

_QUOTE_LENGTH = 70
_BLANK = 15.0
"""Frames less sharp than this are blank or black."""


def find_highlights(
    statements: Sequence[Statement],
    keyframes: Sequence[Keyframe],
    shots: Sequence[Shot],
    *,
    duration_s: float,
    count: int,
) -> tuple[Highlight, ...]:
    """Return moments with a reason that people understand, spread over the video, in order of time."""
    found = [
        Highlight(each.start_s, each.end_s, f"Says: “{shortened(each.text, _QUOTE_LENGTH)}”", 0.5 + 0.5 * each.weight)
        for each in statements
        if each.kind == "speech" and each.weight >= 0.5
    ]
    slides = {shot.index for shot in shots if shot.transition == "slide"}
    for frame in keyframes:
        end_s = min(duration_s, frame.time_s + 5.0)
        title = title_line(frame.text_lines)
        if title and title.score >= 0.8:
            kind = "New slide" if frame.shot_index in slides else "On screen"
            text = shortened(title.text, _QUOTE_LENGTH)
            found.append(Highlight(frame.time_s, end_s, f"{kind}: “{text}”", 0.75 * title.score))
        elif frame.labels and frame.labels[0].score >= 0.4:
            label = frame.labels[0]
            found.append(Highlight(frame.time_s, end_s, f"Shows: {label.label}", 0.8 * label.score))
    chosen: list[Highlight] = []
    apart_s = duration_s / (2 * max(count, 1))
    for highlight in sorted(found, key=lambda each: (-each.score, each.start_s)):
        new = all(abs(highlight.start_s - other.start_s) >= apart_s for other in chosen)
        if len(chosen) < count and new and highlight.reason not in {other.reason for other in chosen}:
            chosen.append(highlight)
    return tuple(sorted(chosen, key=lambda each: each.start_s))


def storyboard(keyframes: Sequence[Keyframe], count: int) -> list[Keyframe]:
    """Choose frames that differ most from each other (farthest point, Gonzalez 1985), in order of time."""
    clear = [frame for frame in keyframes if frame.sharpness >= _BLANK] or list(keyframes)
    if len(clear) <= count:
        return clear
    vectors = np.stack([frame.embedding for frame in clear])
    times = np.array([frame.time_s for frame in clear])
    spread_s = max(float(np.ptp(times)), 1e-9)
    chosen = [int(np.argmax([frame.sharpness for frame in clear]))]
    distance = np.full(len(clear), np.inf)
    while len(chosen) < count:
        newest = chosen[-1]
        apart = (1 - vectors @ vectors[newest]) + 0.5 * np.abs(times - times[newest]) / spread_s
        distance = np.minimum(distance, apart)
        distance[chosen] = -1.0
        chosen.append(int(np.argmax(distance)))
    return [clear[place] for place in sorted(chosen)]
