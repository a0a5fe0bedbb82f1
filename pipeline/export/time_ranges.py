"""The parts of videos that search hits cover."""

from collections.abc import Sequence

from pipeline.language import TimeRange
from schemas.search import Hit


def time_ranges_of(hits: Sequence[Hit], pad_s: float) -> list[TimeRange]:
    """Return the time ranges of search hits, best first; ranges of one video that touch are merged.

    Args:
        hits: Best first.
        pad_s: Seconds to add before and after each hit.
    """
    merged: list[TimeRange] = []
    for hit in hits:
        time_range = TimeRange(hit.video_id, max(0.0, hit.start_s - pad_s), hit.end_s + pad_s)
        touching = [index for index, each in enumerate(merged) if _touch(each, time_range)]
        for index in touching:
            each = merged[index]
            time_range = TimeRange(
                hit.video_id, min(time_range.start_s, each.start_s), max(time_range.end_s, each.end_s)
            )
        merged = [each for index, each in enumerate(merged) if index not in touching[1:]]
        if touching:
            merged[touching[0]] = time_range
        else:
            merged.append(time_range)
    return merged


def _touch(one: TimeRange, other: TimeRange) -> bool:
    return one.video == other.video and one.start_s <= other.end_s and other.start_s <= one.end_s
