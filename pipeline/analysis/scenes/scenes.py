"""Scenes: shots that belong together by what is said, written and seen in them, with their fused vectors."""

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import numpy as np

from pipeline.analysis.fusion import fuse_early, weighted_mean
from pipeline.analysis.scenes.captions import caption_scene
from pipeline.analysis.scenes.object_labels import NAMES_OF_TEXT
from pipeline.analysis.scenes.segmentation import segment
from pipeline.analysis.scenes.spans import TextSpan
from pipeline.analysis.scenes.units import Unit, fused_units, make_units, speech_spans
from pipeline.language import joined
from schemas.config import FusionConfig, ScenesConfig
from schemas.records import Embedding, Keyframe, Label, Scene, Shot, Utterance

_WITHIN_SHOT = 3.0
"""A boundary inside of a shot, or under one title, costs so many times more than one between shots."""
_EVEN = 0.5
"""Where a scene begins, text and pictures have an equal say, whatever they weigh in its vector."""
_AT_SLIDE = 0.15
"""One where another slide or another title comes costs so many times less."""
_CALM_S, _MAX_RHYTHM = 2.5, 1.6
_MAX_LABELS = 5
_MIN_LABEL = 0.05


def build_scenes(
    shots: Sequence[Shot],
    keyframes: Sequence[Keyframe],
    utterances: Sequence[Utterance],
    screen: Sequence[TextSpan],
    *,
    duration_s: float,
    text_dimensions: int,
    vision_dimensions: int,
    coordinated_dimensions: int,
    scenes: ScenesConfig,
    fusion: FusionConfig,
) -> tuple[Scene, ...]:
    """Group a video's shots into scenes.

    Args:
        shots: They cover the pictures; none for sound alone.
        keyframes: With their vectors, in order of time.
        utterances: With their vectors, in order of time.
        screen: On-screen text with its vectors.
        duration_s: Length of the video.
        text_dimensions: Of the text vectors.
        vision_dimensions: Of the frame vectors.
        coordinated_dimensions: Of the space that frames share with texts.
        scenes: How long scenes are, and how alike inside.
        fusion: How modalities are weighted.

    Returns:
        Scenes that cover the video from 0.0 to `duration_s`.
    """
    if duration_s <= 0:
        return ()
    texts = sorted([*speech_spans(utterances, text_dimensions), *screen], key=lambda text: text.start_s)
    units = make_units(
        shots,
        keyframes,
        texts,
        duration_s=duration_s,
        text_dimensions=text_dimensions,
        vision_dimensions=vision_dimensions,
        coordinated_dimensions=coordinated_dimensions,
    )
    # Two like units of mean cosine s and ten seconds have a scatter of (1 - s) * sqrt(10): the price of their boundary.
    price = (1 - scenes.similarity) * 10**0.5 * _rhythm(shots)
    starts = segment(
        fused_units(units, _EVEN),
        [unit.end_s - unit.start_s for unit in units],
        penalties=_prices(units, price),
        min_s=scenes.min_scene_s,
        max_s=scenes.max_scene_s,
    )
    texts.sort(key=_middle_s)
    groups = [units[start:end] for start, end in zip(starts, [*starts[1:], len(units)], strict=True)]
    return tuple(
        _scene(
            index,
            group,
            keyframes=keyframes,
            texts=texts,
            fusion=fusion,
            dimensions=(text_dimensions, vision_dimensions, coordinated_dimensions),
        )
        for index, group in enumerate(groups)
    )


def aggregate_labels(keyframes: Sequence[Keyframe]) -> tuple[Label, ...]:
    """Return the labels of several frames with their mean scores, the strongest first; not calibrated.

    What a page of text looks like is left out where the text itself was read.
    """
    totals: defaultdict[str, float] = defaultdict(float)
    for frame in keyframes:
        for label in frame.labels:
            if not (frame.text_lines and label.label in NAMES_OF_TEXT):
                totals[label.label] += label.score
    means = [Label(name, total / len(keyframes)) for name, total in totals.items()]
    ordered = sorted(means, key=lambda label: (-label.score, label.label))
    return tuple(label for label in ordered[:_MAX_LABELS] if label.score >= _MIN_LABEL)


def _rhythm(shots: Sequence[Shot]) -> float:
    """Return how much dearer boundaries are where shots are cut faster than every few seconds.

    In a music video or a trailer, what changes from one shot to the next is rhythm more than meaning.
    """
    if not shots:
        return 1.0
    middle_s = float(np.median([shot.end_s - shot.start_s for shot in shots]))
    return float(np.clip(_CALM_S / max(middle_s, 1e-3), 1.0, _MAX_RHYTHM))


def _prices(units: Sequence[Unit], price: float) -> list[float]:
    """Return the price of a boundary before each unit; where slides or titles are shown, they decide."""
    prices = [price]
    for before, unit in itertools.pairwise(units):
        titled = bool(before.titles and unit.titles)
        same_title = titled and before.titles[-1] == unit.titles[0]
        if not unit.begins_shot or same_title:
            prices.append(price * _WITHIN_SHOT)
        elif titled or unit.transition == "slide":
            prices.append(price * _AT_SLIDE)
        else:
            prices.append(price)
    return prices


def _scene(
    index: int,
    units: Sequence[Unit],
    *,
    keyframes: Sequence[Keyframe],
    texts: Sequence[TextSpan],
    fusion: FusionConfig,
    dimensions: tuple[int, int, int],
) -> Scene:
    start_s, end_s = units[0].start_s, units[-1].end_s
    lengths_s = [unit.end_s - unit.start_s for unit in units]
    text = weighted_mean([unit.text for unit in units], lengths_s, dimensions[0])
    vision = weighted_mean([unit.vision for unit in units], lengths_s, dimensions[1])
    fused, text_weight, vision_weight = fuse_early(text, vision, text_weight=fusion.text_weight)
    times_s = partial(bisect_left, keyframes, key=lambda frame: frame.time_s)
    frames = keyframes[times_s(start_s) : times_s(end_s)]
    labels = aggregate_labels(frames)
    low, high = (bisect_left(texts, edge_s, key=_middle_s) for edge_s in (start_s, end_s))
    inside = sorted(texts[low:high], key=lambda span: span.start_s)
    shot_indices = sorted({unit.shot_index for unit in units if unit.shot_index is not None})
    return Scene(
        index=index,
        start_s=start_s,
        end_s=end_s,
        shot_indices=tuple(shot_indices),
        text=_joined_text(inside),
        caption=caption_scene(frames, labels, vision, _most_typical(inside, text), pictures=bool(shot_indices)),
        topics=(),
        text_embedding=text,
        vision_embedding=vision,
        fused_embedding=fused,
        text_weight=text_weight,
        vision_weight=vision_weight,
        labels=labels,
        coordinated_embedding=weighted_mean([unit.coordinated for unit in units], lengths_s, dimensions[2]),
    )


def _joined_text(inside: Sequence[TextSpan]) -> str:
    """Return what is said, then what is written, of the texts whose middle lies in a scene."""
    said = joined(text.text for text in inside if text.kind == "speech")
    written = dict.fromkeys(line for text in inside if text.kind == "screen" for line in text.text.splitlines())
    return "\n".join(part for part in (said, *written) if part)


def _most_typical(inside: Sequence[TextSpan], text: Embedding) -> str:
    """Return what is said that is nearest to all that is said and written."""
    said = [span for span in inside if span.kind == "speech" and np.any(span.embedding)]
    return max(said, key=lambda span: float(span.embedding @ text)).text if said else ""


def _middle_s(text: TextSpan) -> float:
    return (text.start_s + text.end_s) / 2
