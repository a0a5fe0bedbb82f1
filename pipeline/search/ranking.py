"""How a hit is scored: rows at the same time become one moment, which counts together with the scene around it.

    score = sum over evidence of weight * value / sum of weights

The evidence is the moment's text, its scene's text, the better of its image and its scene's, and the query's words.
Each is on the scale of `pipeline.search.evidence`, which suits any encoder. Scores are fused, not ranks (late fusion):
ranks would hide that a retriever found nothing good. A moment that a retriever did not list gets what the last one of
its list has, because it cannot have more.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Retriever = Literal["lexical", "semantic", "visual", "scene"]

RETRIEVERS: tuple[Retriever, ...] = ("semantic", "visual", "lexical", "scene")
"""In the order in which candidates of the same rank count. It is fixed, since sums of floats depend on it."""

_WEIGHTS: Mapping[Retriever, float] = {"semantic": 1.0, "scene": 0.75, "visual": 2.5, "lexical": 1.5}
"""Of the moment's text, its scene's text, images and words. Tuned on one half of the queries of benchmarks/quality.py,
except for the weight of words: the queries avoid the words of the answers, and people do not."""
_MIN_IMAGE = 0.15
"""Images with less evidence do not count: a small vision model's best guess is nearly always a little like a query."""

_LONG_S = 30.0
"""A longer row, such as a slide, does not absorb the moments within it."""
_REPEAT_FACTOR = 0.9
"""The score of the n-th moment of a video is multiplied by this n - 1 times."""
_SCENE_REPEAT_FACTOR = 0.8
"""And again for the n-th moment of a scene."""

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
    """BM25 or cosine, as a hit shows it."""
    rank: int
    """Rank in the retriever's list, from 1."""
    evidence: float
    """What the score says on a scale that all retrievers and encoders share; see `pipeline.search.evidence`."""

    @property
    def key(self) -> _Key:
        """Segment and row."""
        return self.segment, self.row


@dataclass(frozen=True, slots=True)
class RankedScene:
    """A scene that matches the query as a whole."""

    first: Candidate
    """Its first moment, which stands for it if no moment within it was found."""
    start_s: float
    end_s: float
    text: float
    """Evidence of everything said and written in it; 0 if there is nothing."""
    image: float
    """Evidence of its frames."""


@dataclass(slots=True)
class RankedMoment:
    """Candidates at the same time in a video, with their score. The best candidate gives the start and end.

    A slide that shows for ten minutes is its own moment beside the sentences spoken meanwhile. It also counts as a
    further reason for the best of those.
    """

    best: Candidate
    candidates: list[Candidate] = field(default_factory=list)
    score: float = 0.0


def fuse(
    lists: Mapping[Retriever, Sequence[Candidate]],
    limit: int,
    scenes: Sequence[RankedScene] = (),
    *,
    count: int | None = None,
    may_add: bool = True,
) -> list[RankedMoment]:
    """Fuse the retrievers' lists into moments, best first; see the module for the formula.

    Args:
        lists: The candidates of each retriever, best first.
        limit: Maximum number of moments.
        scenes: Scenes that match as a whole, best first.
        count: Maximum length of `lists` and `scenes`. A shorter list holds all there is; None: all do.
        may_add: Whether a scene in which no moment was found adds its first moment.
    """
    lists = {retriever: lists[retriever] for retriever in RETRIEVERS if retriever in lists}
    moments = _merged(lists)
    _lend_long(moments)
    scenes_of: dict[str, list[RankedScene]] = defaultdict(list)
    for each in scenes:
        scenes_of[each.first.video_id].append(each)
    placed = [(moment, _scene_at(moment.best, scenes_of)) for moment in moments]
    if may_add:
        held = {id(scene) for _, scene in placed}
        placed += [(RankedMoment(each.first, [each.first]), each) for each in scenes if id(each) not in held]
    score = _scorer(lists, scenes, count)
    for moment, scene in placed:
        moment.score = score(moment, scene)
    return _without_repeats(placed)[:limit]


def _scorer(
    lists: Mapping[Retriever, Sequence[Candidate]], scenes: Sequence[RankedScene], count: int | None
) -> Callable[[RankedMoment, RankedScene | None], float]:
    """Return the function that scores a moment with its scene."""

    def last(evidence: Sequence[float]) -> float:
        return min(evidence, default=0.0) if count is not None and len(evidence) >= count else 0.0

    least = {retriever: last([each.evidence for each in found]) for retriever, found in lists.items()}
    least_text = last([scene.text for scene in scenes])
    least_image = max(_MIN_IMAGE, least.get("visual", 0.0))
    # A retriever that took no part lowers no score.
    used = {*lists, *(("scene",) if scenes else ())}
    total = sum(_WEIGHTS[retriever] for retriever in used) or 1.0

    def score(moment: RankedMoment, scene: RankedScene | None) -> float:
        own = dict(least)
        for each in moment.candidates:
            if each.retriever != "scene":
                own[each.retriever] = max(own[each.retriever], each.evidence)
        image = max(own.get("visual", 0.0), scene.image if scene else 0.0, least_image) - least_image
        found = (
            _WEIGHTS["semantic"] * own.get("semantic", 0.0)
            + _WEIGHTS["scene"] * (scene.text if scene else least_text)
            + _WEIGHTS["visual"] * image
            + _WEIGHTS["lexical"] * own.get("lexical", 0.0)
        )
        return max(0.0, found / total)

    return score


def _without_repeats(placed: Sequence[tuple[RankedMoment, RankedScene | None]]) -> list[RankedMoment]:
    """Lower the scores of further moments of a video and of a scene, and sort again."""
    order = sorted(placed, key=lambda each: _order(each[0]))
    of_video: Counter[str] = Counter()
    of_scene: Counter[int] = Counter()
    for moment, scene in order:
        factor = _REPEAT_FACTOR ** of_video[moment.best.video_id]
        of_video[moment.best.video_id] += 1
        if scene is not None:
            factor *= _SCENE_REPEAT_FACTOR ** of_scene[id(scene)]
            of_scene[id(scene)] += 1
        moment.score *= factor
    return sorted((moment for moment, _ in order), key=_order)


def _order(moment: RankedMoment) -> tuple[float, bool, str, float, float]:
    """Return a key to sort by. A slide that only repeats what it lent to a sentence comes after it."""
    best = moment.best
    return -moment.score, _is_long(best), best.video_id, best.start_s, best.end_s


def _scene_at(row: Candidate, scenes_of: Mapping[str, Sequence[RankedScene]]) -> RankedScene | None:
    """Return the scene that holds the middle of a row; None if that was not found."""
    middle_s = (row.start_s + row.end_s) / 2
    return next((scene for scene in scenes_of.get(row.video_id, ()) if scene.start_s <= middle_s < scene.end_s), None)


def _own_evidence(candidates: Sequence[Candidate]) -> float:
    """Return the weighted evidence of some rows, without their scene."""
    best: dict[Retriever, float] = {}
    for each in candidates:
        best[each.retriever] = max(best.get(each.retriever, 0.0), each.evidence)
    return sum(_WEIGHTS[retriever] * best[retriever] for retriever in RETRIEVERS if retriever in best)


def _lend_long(moments: Sequence[RankedMoment]) -> None:
    """Give each long moment's rows to the best of the short ones within it, too."""
    short: dict[str, list[RankedMoment]] = defaultdict(list)
    for moment in sorted(moments, key=lambda moment: -_own_evidence(moment.candidates)):
        if not _is_long(moment.best):
            short[moment.best.video_id].append(moment)
    lent = []
    for moment in moments:
        if _is_long(moment.best):
            within = (each for each in short[moment.best.video_id] if _overlap(each.best, moment.best))
            best = next(within, None)
            if best is not None:
                lent.append((best, [row for row in moment.candidates if _overlap(row, best.best)]))
    for best, rows in lent:
        best.candidates += rows


def _merged(lists: Mapping[Retriever, Sequence[Candidate]]) -> list[RankedMoment]:
    """Merge rows that share the time of a better row into one moment."""
    candidates_of: dict[_Key, list[Candidate]] = defaultdict(list)
    for candidates in lists.values():
        for candidate in candidates:
            candidates_of[candidate.key].append(candidate)
    moments: list[RankedMoment] = []
    of_video: dict[str, list[RankedMoment]] = defaultdict(list)
    # Sorted by key first, so that the order does not depend on which retriever found a row first.
    for key in sorted(sorted(candidates_of), key=lambda key: -_own_evidence(candidates_of[key])):
        row = candidates_of[key][0]
        earlier = of_video[row.video_id]
        moment = next((moment for moment in earlier if _same_time(moment.best, row)), None)
        if moment is None:
            moment = RankedMoment(row)
            moments.append(moment)
            earlier.append(moment)
        moment.candidates += candidates_of[key]
    return moments


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
