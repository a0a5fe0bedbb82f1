"""People: how many are seen, and how close, from the boxes of persons."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pipeline.analysis.description.phrases import number
from pipeline.analysis.description.things import PERSON, thing_of_object
from schemas.records import DetectedObject, Keyframe

_MIN_SCORE, _CLEAR_SCORE = 0.45, 0.55
_MAX_COUNTED, _CROWD = 3, 8
"""Larger groups are `several people`, and from here on a crowd: the detector misses some of them."""
_INSIDE = 0.8
"""A box with this share inside a larger one is a part of the same person."""
_BYSTANDER = 0.3
"""A person whose box has less than this share of the height of the largest one is in the background."""
_CLOSE_AREA, _CLOSE_HEIGHT, _CLOSE_ASPECT = 0.4, 0.7, 1.2
_DISTANT = 0.3
_BOTTOM = 0.97

ShotSize = Literal["close-up", "medium", "full", "distant"]
"""How large people are in the frame: head and shoulders, cut off by the edge, whole, or small."""


def persons(frame: Keyframe) -> list[DetectedObject]:
    """Return the people in the foreground of a frame, the tallest first."""
    found = [each for each in frame.objects if each.score >= _MIN_SCORE and thing_of_object(each.label).name == PERSON]
    found.sort(key=lambda each: -_height(each))
    kept: list[DetectedObject] = []
    for each in found:
        if _height(each) >= _BYSTANDER * _height(found[0]) and not any(_inside(each, other) for other in kept):
            kept.append(each)
    return kept


def shot_size(frame: Keyframe) -> ShotSize | None:
    """Return how large the largest person is in a frame; None if there is nobody."""
    found = persons(frame)
    if not found:
        return None
    x0, y0, x1, y1 = found[0].box
    width, height = x1 - x0, y1 - y0
    aspect = (height * frame.height) / max(width * frame.width, 1e-6)
    cut_off = y1 >= _BOTTOM
    if width * height >= _CLOSE_AREA and height >= _CLOSE_HEIGHT and aspect <= _CLOSE_ASPECT and cut_off:
        return "close-up"
    if height < _DISTANT:
        return "distant"
    return "medium" if cut_off and aspect < 2 else "full"


def how_many(frames: Sequence[Keyframe]) -> str:
    """Return how many people frames show at once, as in `a person`, `two people` or `a crowd`.

    The detector misses people rather than inventing them, so the most that it clearly sees in one frame of a shot are
    in the shot.

    Args:
        frames: With people. Of several shots, the most frequent number counts; of two, the larger one.
    """
    most: dict[int, int] = {}
    for frame in frames:
        clear = sum(each.score >= _CLEAR_SCORE for each in persons(frame))
        most[frame.shot_index] = max(most.get(frame.shot_index, 1), clear)
    counts = Counter(most.values())
    if not counts:
        return "people"
    count = max(counts, key=lambda each: (counts[each], each))
    if count == 1:
        # Several shots of one person each may show several people.
        return "a person" if len(most) == 1 else "people"
    if count <= _MAX_COUNTED:
        return f"{number(count)} people"
    return "several people" if count < _CROWD else "a crowd"


def common_size(frames: Sequence[Keyframe]) -> ShotSize | None:
    """Return the shot size that most frames with people share; None if they differ."""
    sizes = Counter(size for frame in frames if (size := shot_size(frame)) is not None)
    if not sizes:
        return None
    size, count = max(sizes.items(), key=lambda item: (item[1], item[0]))
    return size if count > 0.6 * sizes.total() else None


def mostly_alone(frames: Sequence[Keyframe]) -> bool:
    """Tell whether frames with people mostly show one at a time."""
    counts = [len(persons(frame)) for frame in frames]
    return sum(count == 1 for count in counts) > 0.7 * sum(count > 0 for count in counts)


def _height(person: DetectedObject) -> float:
    return person.box[3] - person.box[1]


def _inside(small: DetectedObject, large: DetectedObject) -> bool:
    width = min(small.box[2], large.box[2]) - max(small.box[0], large.box[0])
    height = min(small.box[3], large.box[3]) - max(small.box[1], large.box[1])
    area = (small.box[2] - small.box[0]) * (small.box[3] - small.box[1])
    return width > 0 and height > 0 and width * height >= _INSIDE * area
