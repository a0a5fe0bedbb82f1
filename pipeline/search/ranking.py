"""How a hit is scored: the retrievers' ranks are fused, rows at the same time become one moment, and scenes add theirs.

    score = (sum over retrievers of weight / (k + rank)  +  scene weight / (k + rank of its scene)) * repeat factor

The sum is reciprocal rank fusion (Cormack et al. 2009). A long row, such as a slide, also adds its sum to the best
short moment within it. The repeat factor lowers each further moment of one video.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.analysis.fusion import reciprocal_rank_fusion

Retriever = Literal["lexical", "semantic", "visual"]

RETRIEVERS: tuple[Retriever, ...] = ("semantic", "visual", "lexical")
"""In the order in which candidates of the same rank count. It is fixed, since sums of floats depend on it."""

_WEIGHTS: Mapping[Retriever, float] = {"lexical": 0.75, "semantic": 1.0, "visual": 0.5}
_SCENE_WEIGHT = 2.0
_K = 10
"""Constant of reciprocal rank fusion. benchmarks/quality.py scores slightly higher with less weight on words and more
on scenes, but its queries avoid the words of the answers, and people do not."""

_LONG_S = 30.0
"""A longer row, such as a slide, does not absorb the moments within it."""
_REPEAT_FACTOR = 0.9
"""The score of the n-th moment of a video is multiplied by this n - 1 times."""

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
    """Rank in the retriever's list, from 1."""

    @property
    def key(self) -> _Key:
        """Segment and row."""
        return self.segment, self.row


@dataclass(frozen=True, slots=True)
class RankedScene:
    """A scene that matches the query as a whole."""

    video_id: str
    start_s: float
    end_s: float
    rank: int
    """Rank among the scenes, from 1."""


@dataclass(slots=True)
class RankedMoment:
    """Candidates at the same time in a video, with their fused score. The best candidate gives the start and end.

    A slide that shows for ten minutes is its own moment beside the sentences spoken meanwhile. It also counts as a
    further reason for the best of those.
    """

    best: Candidate
    candidates: list[Candidate] = field(default_factory=list)
    score: float = 0.0


def fuse(
    lists: Mapping[Retriever, Sequence[Candidate]], limit: int, scenes: Sequence[RankedScene] = ()
) -> list[RankedMoment]:
    """Fuse the retrievers' lists into moments, best first; see the module for the formula.

    Args:
        lists: The candidates of each retriever, best first.
        limit: Maximum number of moments.
        scenes: Scenes that match as a whole. They raise the moments within them but add none.
    """
    lists = {retriever: lists[retriever] for retriever in RETRIEVERS if retriever in lists}
    moments, index_of = _merged(lists)
    rankings = [[index_of[each.key] for each in candidates] for candidates in lists.values()]
    indices, scores = reciprocal_rank_fusion(rankings, [_WEIGHTS[retriever] for retriever in lists], _K)
    scenes_of: dict[str, list[RankedScene]] = defaultdict(list)
    for scene in scenes:
        scenes_of[scene.video_id].append(scene)
    totals = {int(index): float(score) for index, score in zip(indices, scores, strict=True)}
    for long, short in _best_within(moments, totals).items():
        best = moments[short].best
        moments[short].candidates += [row for row in moments[long].candidates if _overlap(row, best)]
        totals[short] += totals[long]
    totals = {index: score + _scene_score(moments[index], scenes_of) for index, score in totals.items()}
    repeats: Counter[str] = Counter()
    for index in sorted(totals, key=lambda index: (-totals[index], index)):
        moment = moments[index]
        moment.score = totals[index] * _REPEAT_FACTOR ** repeats[moment.best.video_id]
        repeats[moment.best.video_id] += 1
    return sorted(moments, key=lambda each: (-each.score, each.best.video_id, each.best.start_s))[:limit]


def _scene_score(moment: RankedMoment, scenes_of: Mapping[str, Sequence[RankedScene]]) -> float:
    """Return the weighted reciprocal rank of the scene that holds the moment's middle; 0 if that was not found."""
    best = moment.best
    middle_s = (best.start_s + best.end_s) / 2
    scenes = scenes_of.get(best.video_id, ())
    rank = next((scene.rank for scene in scenes if scene.start_s <= middle_s < scene.end_s), None)
    return _SCENE_WEIGHT / (_K + rank) if rank else 0.0


def _best_within(moments: Sequence[RankedMoment], totals: Mapping[int, float]) -> dict[int, int]:
    """Return, for each long moment that has short ones within it, the best of those; both as indices."""
    short: dict[str, list[int]] = defaultdict(list)
    for index in sorted(totals, key=lambda index: (-totals[index], index)):
        if not _is_long(moments[index].best):
            short[moments[index].best.video_id].append(index)
    found = {}
    for index in totals:
        best = moments[index].best
        if _is_long(best):
            within = (each for each in short[best.video_id] if _overlap(moments[each].best, best))
            best_short = next(within, None)
            if best_short is not None:
                found[index] = best_short
    return found


def _merged(lists: Mapping[Retriever, Sequence[Candidate]]) -> tuple[list[RankedMoment], dict[_Key, int]]:
    """Merge rows that share the time of a better row into one moment.

    Returns:
        The moments, and the index of the moment that each row is in.
    """
    candidates_of: dict[_Key, list[Candidate]] = defaultdict(list)
    for candidates in lists.values():
        for candidate in candidates:
            candidates_of[candidate.key].append(candidate)
    # Numbered in an order that does not depend on which retriever found a row first.
    keys = sorted(candidates_of)
    numbers = {key: number for number, key in enumerate(keys)}
    rankings = [[numbers[each.key] for each in candidates] for candidates in lists.values()]
    moments: list[RankedMoment] = []
    of_video: dict[str, list[int]] = defaultdict(list)
    index_of: dict[_Key, int] = {}
    for number in reciprocal_rank_fusion(rankings, [_WEIGHTS[retriever] for retriever in lists], _K)[0]:
        key = keys[int(number)]
        row = candidates_of[key][0]
        earlier = of_video[row.video_id]
        index = next((index for index in earlier if _same_time(moments[index].best, row)), len(moments))
        if index == len(moments):
            moments.append(RankedMoment(row))
            earlier.append(index)
        moments[index].candidates += candidates_of[key]
        index_of[key] = index
    return moments, index_of


def _same_time(one: Candidate, other: Candidate) -> bool:
    """Return whether two rows are one moment: they overlap, and neither is a long row around a short one."""
    if not (_is_long(one) or _is_long(other)):
        return _overlap(one, other)
    shared_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return shared_s >= max(one.end_s - one.start_s, other.end_s - other.start_s) / 2


def _is_long(row: Candidate) -> bool:
    return row.end_s - row.start_s > _LONG_S


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.start_s == other.start_s or (one.start_s < other.end_s and other.start_s < one.end_s)
