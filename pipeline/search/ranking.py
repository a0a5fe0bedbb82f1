"""One list of moments out of several lists of rows: reciprocal rank fusion, moments that overlap made one, variety."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.analysis.fusion import reciprocal_rank_fusion

Retriever = Literal["lexical", "semantic", "visual"]

_WEIGHTS: Mapping[Retriever, float] = {"lexical": 0.75, "semantic": 1.0, "visual": 0.5}
_SCENE_WEIGHT = 2.0
_K = 10
"""Of reciprocal rank fusion. benchmarks/quality.py finds a little more with less weight on words and more on scenes,
but its queries avoid the words of the answers, and people do not."""

_LONG_S = 30.0
"""What is longer, as a slide or a still picture may be, does not stand for the moments in it."""
_REPEATED = 0.9
"""What each further moment of a video that is in the answer already is worth."""

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that one retriever found."""

    segment: int
    row: int
    video_id: str
    start_s: float
    end_s: float
    retriever: Retriever
    score: float
    rank: int
    """Place in its retriever's list, from 1."""

    @property
    def key(self) -> _Key:
        """Tells rows apart."""
        return self.segment, self.row


@dataclass(frozen=True, slots=True)
class FoundScene:
    """A scene that answers as a whole."""

    video_id: str
    start_s: float
    end_s: float
    rank: int
    """Place among the scenes, from 1."""


@dataclass(slots=True)
class Moment:
    """Rows that are at the same time in a video. Its span is that of the row that speaks for it most.

    A slide that shows for ten minutes is a moment of its own beside the sentences said meanwhile; the best of those has
    it as a further reason.
    """

    first: Candidate
    found: list[Candidate] = field(default_factory=list)
    score: float = 0.0


def fuse(lists: Mapping[Retriever, Sequence[Candidate]], limit: int, scenes: Sequence[FoundScene] = ()) -> list[Moment]:
    """Fuse what the retrievers found into moments, the best first, by their ranks.

    `score = sum_way w / (k + rank)` (reciprocal rank fusion, Cormack et al. 2009), to which the rank of the scene that
    a moment is in counts like one retriever more; so do long rows for the best of the short moments within them.

    Args:
        lists: Of each retriever, the best first.
        limit: Moments at most.
        scenes: What answers as a whole. They make no moments, but count for those that the retrievers find in them.

    Returns:
        Moments with their scores; further moments of a video count for less, the more of it is there before.
    """
    # In a fixed order, since sums of floats depend on it.
    lists = dict(sorted(lists.items()))
    moments, place_of = _joined(lists)
    rankings = [[place_of[each.key] for each in candidates] for candidates in lists.values()]
    places, scores = reciprocal_rank_fusion(rankings, [_WEIGHTS[retriever] for retriever in lists], _K)
    of_video: dict[str, list[FoundScene]] = defaultdict(list)
    for scene in scenes:
        of_video[scene.video_id].append(scene)
    totals = {int(place): float(score) for place, score in zip(places, scores, strict=True)}
    for long, short in _supported(moments, totals).items():
        first = moments[short].first
        moments[short].found += [row for row in moments[long].found if _overlap(row, first)]
        totals[short] += totals[long]
    totals = {place: score + _score_of_scene(moments[place], of_video) for place, score in totals.items()}
    seen: Counter[str] = Counter()
    for place in sorted(totals, key=lambda place: (-totals[place], place)):
        moment = moments[place]
        moment.score = totals[place] * _REPEATED ** seen[moment.first.video_id]
        seen[moment.first.video_id] += 1
    return sorted(moments, key=lambda each: (-each.score, each.first.video_id, each.first.start_s))[:limit]


def _score_of_scene(moment: Moment, of_video: Mapping[str, Sequence[FoundScene]]) -> float:
    """Return the weighted reciprocal rank of the scene in which the moment's middle lies; 0 where none was found."""
    first = moment.first
    middle_s = (first.start_s + first.end_s) / 2
    there = of_video.get(first.video_id, ())
    rank = next((scene.rank for scene in there if scene.start_s <= middle_s < scene.end_s), None)
    return _SCENE_WEIGHT / (_K + rank) if rank else 0.0


def _supported(moments: Sequence[Moment], totals: Mapping[int, float]) -> dict[int, int]:
    """Return for each long moment the best short one within it, where there is one; both as places."""
    short: dict[str, list[int]] = defaultdict(list)
    for place in sorted(totals, key=lambda place: (-totals[place], place)):
        if not _is_long(moments[place].first):
            short[moments[place].first.video_id].append(place)
    found = {}
    for place in totals:
        first = moments[place].first
        if _is_long(first):
            within = (each for each in short[first.video_id] if _overlap(moments[each].first, first))
            best = next(within, None)
            if best is not None:
                found[place] = best
    return found


def _joined(lists: Mapping[Retriever, Sequence[Candidate]]) -> tuple[list[Moment], dict[_Key, int]]:
    """Make moments: rows at the time of the best one among them belong to it; and say which row is in which."""
    found: dict[_Key, list[Candidate]] = defaultdict(list)
    for candidates in lists.values():
        for candidate in candidates:
            found[candidate.key].append(candidate)
    # Numbered in an order that does not depend on which retriever found a row first.
    keys = sorted(found)
    numbers = {key: number for number, key in enumerate(keys)}
    rankings = [[numbers[each.key] for each in candidates] for candidates in lists.values()]
    moments: list[Moment] = []
    of_video: dict[str, list[int]] = defaultdict(list)
    place_of: dict[_Key, int] = {}
    for number in reciprocal_rank_fusion(rankings, [_WEIGHTS[retriever] for retriever in lists], _K)[0]:
        key = keys[int(number)]
        row = found[key][0]
        there = of_video[row.video_id]
        place = next((place for place in there if _same_time(moments[place].first, row)), len(moments))
        if place == len(moments):
            moments.append(Moment(row))
            there.append(place)
        moments[place].found += found[key]
        place_of[key] = place
    return moments, place_of


def _same_time(one: Candidate, other: Candidate) -> bool:
    """Tell whether rows are one moment: they overlap, and no long one would swallow a short one."""
    if not (_is_long(one) or _is_long(other)):
        return _overlap(one, other)
    shared_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return shared_s >= max(one.end_s - one.start_s, other.end_s - other.start_s) / 2


def _is_long(row: Candidate) -> bool:
    return row.end_s - row.start_s > _LONG_S


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.start_s == other.start_s or (one.start_s < other.end_s and other.start_s < one.end_s)
