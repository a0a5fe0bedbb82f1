"""One list of moments out of several lists of rows: reciprocal rank fusion, moments that overlap made one, variety."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.fusion import reciprocal_rank_fusion

Way = Literal["words", "meaning", "picture"]

_REPEATED = 0.9
"""What each further moment of a video that is in the answer already is worth."""

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that one way of searching found."""

    segment: int
    row: int
    video_id: str
    start_s: float
    end_s: float
    way: Way
    score: float
    rank: int
    """Place in its way's list, from 1."""

    @property
    def key(self) -> _Key:
        """Tells rows apart."""
        return self.segment, self.row


@dataclass(slots=True)
class Moment:
    """Rows that are at the same time in a video. Its span is that of the row that speaks for it most."""

    first: Candidate
    found: list[Candidate] = field(default_factory=list)
    score: float = 0.0


def fuse(lists: Mapping[Way, Sequence[Candidate]], limit: int) -> list[Moment]:
    """Fuse what the ways found into moments, the best first, by their ranks.

    Args:
        lists: Of each way, the best first.
        limit: Moments at most.

    Returns:
        Moments with their scores; further moments of a video count for less, the more of it is there before.
    """
    # In a fixed order, since sums of floats depend on it.
    lists = dict(sorted(lists.items()))
    moments, place_of = _joined(lists)
    rankings = [[place_of[each.key] for each in candidates] for candidates in lists.values()]
    seen: Counter[str] = Counter()
    for place, score in zip(*reciprocal_rank_fusion(rankings), strict=True):
        moment = moments[int(place)]
        moment.score = float(score) * _REPEATED ** seen[moment.first.video_id]
        seen[moment.first.video_id] += 1
    return sorted(moments, key=lambda each: (-each.score, each.first.video_id, each.first.start_s))[:limit]


def _joined(lists: Mapping[Way, Sequence[Candidate]]) -> tuple[list[Moment], dict[_Key, int]]:
    """Make moments: rows that overlap the best one among them in time belong to it; and say which row is in which."""
    found: dict[_Key, list[Candidate]] = defaultdict(list)
    for candidates in lists.values():
        for candidate in candidates:
            found[candidate.key].append(candidate)
    # Numbered in an order that does not depend on which way found a row first.
    keys = sorted(found)
    numbers = {key: number for number, key in enumerate(keys)}
    rankings = [[numbers[each.key] for each in candidates] for candidates in lists.values()]
    moments: list[Moment] = []
    of_video: dict[str, list[int]] = defaultdict(list)
    place_of: dict[_Key, int] = {}
    for number in reciprocal_rank_fusion(rankings)[0]:
        key = keys[int(number)]
        row = found[key][0]
        there = of_video[row.video_id]
        place = next((place for place in there if _overlap(moments[place].first, row)), len(moments))
        if place == len(moments):
            moments.append(Moment(row))
            there.append(place)
        moments[place].found += found[key]
        place_of[key] = place
    return moments, place_of


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.start_s == other.start_s or (one.start_s < other.end_s and other.start_s < one.end_s)
