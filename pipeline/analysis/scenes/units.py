"""Units: the smallest parts of a scene. They are shots, or parts of a long shot cut at pauses in the speech."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.description import screen_title, without_running_lines
from pipeline.analysis.fusion import fuse_early, weighted_mean
from pipeline.analysis.scenes.content import Dimensions
from pipeline.analysis.scenes.spans import TextSpan
from schemas.records import Embedding, Keyframe, Shot, Transition, Utterance

_MAX_PIECE_S = 30.0
DOUBTFUL_WEIGHT = 0.3
"""Weight of an utterance that is flagged as doubtful."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A part of a video that no scene boundary divides."""

    start_s: float
    end_s: float
    shot_index: int | None
    transition: Transition
    """How it begins; also `start` for the later parts of a shot."""
    text: Embedding
    vision: Embedding
    coordinated: Embedding
    """Of its frames."""
    begins_shot: bool
    titles: tuple[str, ...]
    """Titles on screen, in the order they appear; empty if there are none."""


def make_units(
    shots: Sequence[Shot],
    keyframes: Sequence[Keyframe],
    texts: Sequence[TextSpan],
    *,
    duration_s: float,
    dimensions: Dimensions,
) -> list[Unit]:
    """Cut a video into units that cover it, each with the vectors of its speech, on-screen text and frames.

    Args:
        shots: In order of time.
        keyframes: With vectors, in order of time.
        texts: With vectors, in order of their start.
        duration_s: Length of the video.
        dimensions: Of the vectors.
    """
    keyframes = without_running_lines(keyframes)
    starts = [text.start_s for text in texts]
    times = [frame.time_s for frame in keyframes]
    longest_s = max((text.end_s - text.start_s for text in texts), default=0.0)
    units: list[Unit] = []
    for start_s, end_s, shot, first in _pieces(shots, texts, duration_s):
        frames = keyframes[bisect_left(times, start_s) : bisect_left(times, end_s)] or _of_shot(keyframes, shot)
        near = texts[bisect_left(starts, start_s - longest_s) : bisect_left(starts, end_s)]
        overlaps = [(min(text.end_s, end_s) - max(text.start_s, start_s), text) for text in near]
        inside = [(seconds, text) for seconds, text in overlaps if seconds > 0]
        units.append(
            Unit(
                start_s,
                end_s,
                shot.index if shot else None,
                shot.transition if shot and first else "start",
                weighted_mean([text.embedding for _, text in inside], [s for s, _ in inside], dimensions.text),
                weighted_mean([frame.embedding for frame in frames], [1.0] * len(frames), dimensions.vision),
                _mean_coordinated(frames, dimensions.coordinated),
                first,
                tuple(dict.fromkeys(title for title in map(screen_title, frames) if title)),
            )
        )
    return units


def _mean_coordinated(frames: Sequence[Keyframe], dimensions: int) -> Embedding:
    vectors = [frame.coordinated_embedding for frame in frames if frame.coordinated_embedding is not None]
    return weighted_mean(vectors, [1.0] * len(vectors), dimensions)


def speech_spans(utterances: Sequence[Utterance], dimensions: int) -> list[TextSpan]:
    """Return utterances as text spans. The vectors of doubtful ones are shorter, so that they count less."""
    spans = []
    for utterance in utterances:
        vector = utterance.embedding if utterance.embedding is not None else np.zeros(dimensions, dtype=np.float32)
        weight = np.float32(DOUBTFUL_WEIGHT if utterance.flags else 1.0)
        spans.append(TextSpan(utterance.start_s, utterance.end_s, utterance.text, vector * weight, "speech"))
    return spans


def fused_units(units: Sequence[Unit], text_weight: float, text_part: Callable[[Embedding], Embedding]) -> np.ndarray:
    """Return a fused vector of each unit, (n, t + v) float32, for comparing units by a part of their text vectors."""
    texts = text_part(np.stack([unit.text for unit in units]))
    return centred(texts, np.stack([unit.vision for unit in units]), text_weight)


def centred(text: np.ndarray, vision: np.ndarray, text_weight: float) -> np.ndarray:
    """Fuse the vectors of a video's parts for comparing them.

    To a vision model, the frames of one video are very similar, so their mean is subtracted first. The stored vectors
    keep it.

    Args:
        text: (n, t) of unit length; zeros for a part without text.
        vision: (n, v) of unit length; zeros for a part without frames.
        text_weight: Weight of text in parts that have both.

    Returns:
        (n, t + v) float32.
    """
    seen = np.any(vision != 0, axis=1)
    if seen.sum() > 2:
        apart = vision - vision[seen].mean(axis=0)
        lengths = np.linalg.norm(apart, axis=1, keepdims=True)
        vision = np.where(seen[:, None] & (lengths > 1e-6), apart / np.maximum(lengths, 1e-6), 0.0).astype(np.float32)
    return np.stack(
        [fuse_early(row, other, text_weight=text_weight)[0] for row, other in zip(text, vision, strict=True)]
    )


def _of_shot(keyframes: Sequence[Keyframe], shot: Shot | None) -> Sequence[Keyframe]:
    """Return the first keyframe of a shot, for its pieces that contain no keyframe."""
    if shot is None:
        return ()
    index = bisect_left(keyframes, shot.index, key=lambda frame: frame.shot_index)
    return keyframes[index : index + 1] if index < len(keyframes) and keyframes[index].shot_index == shot.index else ()


def _pieces(
    shots: Sequence[Shot], texts: Sequence[TextSpan], duration_s: float
) -> list[tuple[float, float, Shot | None, bool]]:
    """Return start, end and shot of each piece, and whether it is the first of its shot."""
    whole: list[tuple[float, float, Shot | None]] = [(shot.start_s, shot.end_s, shot) for shot in shots]
    if not whole:
        whole = [(0.0, duration_s, None)]
    elif whole[-1][1] < duration_s:
        # The audio is longer than the images.
        start_s, _, shot = whole[-1]
        whole[-1] = (start_s, duration_s, shot)
    pauses = _pauses([text for text in texts if text.kind == "speech"])
    pieces = []
    for start_s, end_s, shot in whole:
        edges = [start_s, *_cuts(start_s, end_s, pauses), end_s]
        pieces += [(low, high, shot, low == start_s) for low, high in itertools.pairwise(edges) if high > low]
    return pieces


def _pauses(speech: Sequence[TextSpan]) -> list[float]:
    """Return the middle of each pause between utterances."""
    pauses = []
    latest_s = 0.0
    for span in speech:
        if span.start_s >= latest_s:
            pauses.append((latest_s + span.start_s) / 2)
        latest_s = max(latest_s, span.end_s)
    return pauses


def _cuts(start_s: float, end_s: float, pauses: Sequence[float]) -> list[float]:
    """Cut a long shot at pauses into pieces of about half a minute, or every half minute if there are none."""
    cuts: list[float] = []
    last_s = start_s
    while end_s - last_s > 1.5 * _MAX_PIECE_S:
        low, high = last_s + _MAX_PIECE_S / 3, min(last_s + _MAX_PIECE_S, end_s - 1.0)
        found = pauses[bisect_left(pauses, low) : bisect_right(pauses, high)]
        last_s = found[-1] if found else last_s + _MAX_PIECE_S
        cuts.append(last_s)
    return cuts
