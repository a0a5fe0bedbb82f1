"""Comparing found objects with labelled ones, as in Pascal VOC (Everingham et al. 2010)."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.material.labelled import Box

_MIN_IOU = 0.5
_MIN_UNSURE = 0.5
"""A found object of which so much lies in one region that nobody could label counts neither for nor against."""


@dataclass(frozen=True, slots=True)
class Found:
    """A found object, and whether it is right; None if that cannot be told."""

    label: str
    score: float
    right: bool | None


def compare(
    found: Sequence[tuple[str, float, Box]], labelled: Sequence[tuple[str, Box]], unsure: Sequence[Box]
) -> list[Found]:
    """Match found objects to labelled ones of the same label, those with the best score first.

    Args:
        found: Label, score and box.
        labelled: Label and box. Each is matched once, by an intersection over union of at least one half.
        unsure: Regions in which objects without a match do not count.
    """
    free = list(labelled)
    results = []
    for label, score, box in sorted(found, key=lambda each: -each[1]):
        overlaps = [(iou(box, other), index) for index, (name, other) in enumerate(free) if name == label]
        best = max(overlaps, default=(0.0, -1))
        if best[0] >= _MIN_IOU:
            free.pop(best[1])
            results.append(Found(label, score, True))
        else:
            doubtful = any(_common(box, region) >= _MIN_UNSURE * _area(box) for region in unsure)
            results.append(Found(label, score, None if doubtful else False))
    return results


def iou(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    common = _common(one, other)
    return common / max(_area(one) + _area(other) - common, 1e-12)


def _common(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
