"""Chapters: scenes merged into few titled parts that cover the video."""

import itertools
from collections.abc import Sequence

import numpy as np

from pipeline.understanding.captions import title_line
from pipeline.understanding.selection import centrality
from pipeline.understanding.statements import Statement
from pipeline.understanding.words import shortened
from schemas.records import Chapter, Keyframe, Scene

_TITLE_LENGTH = 60
_MOST_CHAPTERS = 24
_TITLE_HEIGHT = 0.045
"""A line is a title when it is at least so high, as a share of the picture."""


def make_chapters(
    scenes: Sequence[Scene],
    keyframes: Sequence[Keyframe],
    statements: Sequence[Statement],
    *,
    duration_s: float,
    min_chapter_s: float,
) -> tuple[Chapter, ...]:
    """Merge scenes into chapters and give each a title.

    Args:
        scenes: They cover the video.
        keyframes: For titles on screen.
        statements: For titles from speech.
        duration_s: Length of the video.
        min_chapter_s: No chapter is shorter, unless the video is.

    Returns:
        Chapters from 0.0 to `duration_s`, at most one in about two minutes and 24 in all.
    """
    if not scenes:
        return ()
    groups = [[scene] for scene in scenes]
    wanted = int(np.clip(duration_s / max(120.0, min_chapter_s), 1, _MOST_CHAPTERS))
    while len(groups) > 1:
        lengths_s = [group[-1].end_s - group[0].start_s for group in groups]
        shortest = int(np.argmin(lengths_s))
        likeness = [_likeness(one, other) for one, other in itertools.pairwise(groups)]
        if lengths_s[shortest] < min_chapter_s:
            # The shortest joins the neighbour that it is more like.
            before = likeness[shortest - 1] if shortest else -2.0
            after = likeness[shortest] if shortest < len(likeness) else -2.0
            place = shortest - 1 if before >= after else shortest
        elif len(groups) > wanted:
            place = int(np.argmax(likeness))
        else:
            break
        groups[place : place + 2] = [groups[place] + groups[place + 1]]
    titles: list[str] = []
    for group in groups:
        titles.append(_title(group, keyframes, statements, taken=titles, number=len(titles) + 1))
    return tuple(Chapter(title, group[0].start_s, group[-1].end_s) for title, group in zip(titles, groups, strict=True))


def _likeness(one: Sequence[Scene], other: Sequence[Scene]) -> float:
    return float(_middle(one) @ _middle(other))


def _middle(scenes: Sequence[Scene]) -> np.ndarray:
    total = sum((scene.fused_embedding * (scene.end_s - scene.start_s) for scene in scenes), start=np.float32(0))
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9))


def _title(
    scenes: Sequence[Scene],
    keyframes: Sequence[Keyframe],
    statements: Sequence[Statement],
    *,
    taken: Sequence[str],
    number: int,
) -> str:
    start_s, end_s = scenes[0].start_s, scenes[-1].end_s
    frames = [frame for frame in keyframes if start_s <= frame.time_s < end_s]
    candidates = [_screen_title(frame) for frame in frames[:4]]
    said = [each for each in statements if start_s <= each.start_s < end_s and each.kind == "speech"]
    if said:
        vectors = np.stack([each.vector for each in said])
        weights = np.array([each.weight for each in said])
        if vectors.shape[1]:
            best = int(np.argmax(centrality(vectors, weights) * weights))
            candidates.append(shortened(said[best].text.rstrip(".。"), _TITLE_LENGTH))
    seen = [label.label for scene in scenes for label in scene.labels[:1] if label.score >= 0.3]
    candidates += [seen[0].capitalize()] if seen else []
    free = [title for title in candidates if title and title not in taken]
    return free[0] if free else f"Part {number}"


def _screen_title(frame: Keyframe) -> str:
    line = title_line(frame.text_lines)
    if line is None or line.box[3] - line.box[1] < _TITLE_HEIGHT or line.score < 0.8:
        return ""
    return shortened(line.text, _TITLE_LENGTH)
