"""Disparities between groups: means with bootstrap intervals, and a permutation test of the gap."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.extras.audit.measures import MEASURES, WORD_ERRORS, Measure
from schemas.audit import Disparity, GroupScore

_RESAMPLES = 2000
_SEED = 7


def disparities(
    values: Mapping[str, Mapping[str, float]], groups: Mapping[str, str], *, min_videos: int = 3
) -> list[Disparity]:
    """Compare groups of videos by every measure.

    Intervals are percentiles of means over resampled videos (bootstrap, Efron 1979). The p-value is the share of random
    regroupings whose largest gap is at least as large (permutation test, Fisher 1935). Whole videos are resampled,
    because the utterances or frames of one video are not independent.

    Args:
        values: By name of measure, then by video id.
        groups: By video id.
        min_videos: Smaller groups are left out, and so are measures with fewer than two groups.

    Returns:
        Disparities, the smallest p-value first.
    """
    known = {measure.name: measure for measure in (*MEASURES, WORD_ERRORS)}
    found = []
    for name, of_videos in values.items():
        videos = [video_id for video_id in of_videos if video_id in groups]
        counts: dict[str, int] = {}
        for video_id in videos:
            counts[groups[video_id]] = counts.get(groups[video_id], 0) + 1
        kept = sorted(group for group, count in counts.items() if count >= min_videos)
        members = [video_id for video_id in videos if groups[video_id] in kept]
        if len(kept) >= 2:
            numbers = np.array([of_videos[video_id] for video_id in members])
            codes = np.array([kept.index(groups[video_id]) for video_id in members])
            found.append(_compare(known[name], numbers, codes, kept))
    return sorted(found, key=lambda each: (each.p_value, each.measure))


def _compare(
    measure: Measure, values: NDArray[np.float64], codes: NDArray[np.int64], groups: Sequence[str]
) -> Disparity:
    rng = np.random.default_rng(_SEED)
    means = _means(values, codes, len(groups))
    scores = []
    for code, group in enumerate(groups):
        own = values[codes == code]
        resampled = own[rng.integers(len(own), size=(_RESAMPLES, len(own)))].mean(axis=1)
        low, high = np.percentile(resampled, [2.5, 97.5])
        scores.append(GroupScore(group, len(own), float(means[code]), float(low), float(high)))
    gap = float(np.ptp(means))
    shuffled = np.array([np.ptp(_means(values, rng.permutation(codes), len(groups))) for _ in range(_RESAMPLES)])
    # The actual grouping is one of all possible groupings, so the p-value is never zero.
    p_value = (1 + int((shuffled >= gap - 1e-12).sum())) / (1 + _RESAMPLES)
    scores.sort(key=lambda score: score.mean, reverse=measure.better != "lower")
    return Disparity(measure.name, measure.meaning, measure.better, tuple(scores), gap, p_value)


def _means(values: NDArray[np.float64], codes: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    return np.bincount(codes, weights=values, minlength=groups) / np.bincount(codes, minlength=groups)
