"""Find the words that a correction is about among the utterances of another analysis."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.corrections.tokens import SpokenToken, Token, tokens_of
from schemas.corrections import Correction, Span

FloatArray = NDArray[np.float64]

SLACK_S = 2.0
"""Words of another analysis may be so much earlier or later."""
_EDGE_S = 0.5
"""The words found must lie within the place of the correction, give or take this."""
MIN_SIMILARITY = 0.6
"""Of the words found with those that were corrected, by their characters. Below it, they are other words."""
_MIN_PAIR = 0.5
_GAP = -0.4
_PER_SECOND = 0.05
"""Cost of a second between where a word was and where it is. It decides between repetitions."""


@dataclass(frozen=True, slots=True)
class Located:
    """The tokens that a correction is about, by their positions: from `first` up to `last`, without that one."""

    first: int
    last: int


def locate(
    correction: Correction, spoken: Sequence[SpokenToken], utterances: Sequence[str], middles_s: FloatArray
) -> Located | None:
    """Find the words of a corrected text.

    Args:
        correction: A correction of a text.
        spoken: Tokens of all utterances.
        utterances: Their texts.
        middles_s: `SpokenToken.middle_s` of all tokens.

    Returns:
        The tokens; None if those words are not spoken there any more.
    """
    place = correction.place
    if place is None:
        return None
    low, high = _window(middles_s, place)
    near = spoken[low:high]
    found = _same_cut(correction, near, place, utterances)
    if found is None:
        candidates = [
            (similarity, located)
            for text in (correction.from_value, correction.to_value)
            if text and (located := _aligned(tokens_of(text), near, place))
            if (similarity := _likeness(text, near[located.first : located.last])) >= MIN_SIMILARITY
        ]
        found = max(candidates, key=lambda pair: pair[0])[1] if candidates else None
    return Located(found.first + low, found.last + low) if found else None


def _window(middles_s: FloatArray, place: Span) -> tuple[int, int]:
    inside = np.flatnonzero((middles_s >= place.start_s - SLACK_S) & (middles_s <= place.end_s + SLACK_S))
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)


def _same_cut(
    correction: Correction, near: Sequence[SpokenToken], place: Span, utterances: Sequence[str]
) -> Located | None:
    """Return the tokens of the utterance that still has this text and place."""
    best: tuple[float, Located] | None = None
    for position in dict.fromkeys(each.utterance for each in near):
        if utterances[position] != correction.from_value:
            continue
        own = [index for index, each in enumerate(near) if each.utterance == position]
        if len(own) < len(tokens_of(utterances[position])):
            continue
        away_s = abs(near[own[0]].start_s - place.start_s) + abs(near[own[-1]].end_s - place.end_s)
        if best is None or away_s < best[0]:
            best = away_s, Located(own[0], own[-1] + 1)
    return best[1] if best and best[0] <= 2 * _EDGE_S else None


def _aligned(wanted: Sequence[Token], near: Sequence[SpokenToken], place: Span) -> Located | None:
    """Align words with what is spoken around their place (Smith and Waterman 1981, with all of the words)."""
    if not wanted or not near:
        return None
    length = max(1, wanted[-1].end)
    expected_s = [place.start_s + place.duration_s * (each.start + each.end) / 2 / length for each in wanted]
    rows, columns = len(wanted), len(near)
    score = [[0.0] * (columns + 1)]
    step: list[list[str]] = [["end"] * (columns + 1)]
    for i in range(1, rows + 1):
        line, steps = [_GAP * i], ["skip"]
        for j in range(1, columns + 1):
            likeness = _alike(wanted[i - 1].key, near[j - 1].token.key)
            away_s = abs(near[j - 1].middle_s - expected_s[i - 1])
            options = [(score[i - 1][j] + _GAP, "skip")]
            # What is spoken after the words is free, as is what is spoken before.
            options.append((line[j - 1] + (0.0 if i == rows else _GAP), "pass"))
            if likeness >= _MIN_PAIR:
                options.append((score[i - 1][j - 1] + 2 * likeness - 1 - _PER_SECOND * away_s, "pair"))
            best = max(options, key=lambda option: option[0])
            line.append(best[0])
            steps.append(best[1])
        score.append(line)
        step.append(steps)
    pairs = _pairs(step, rows, columns)
    if not pairs:
        return None
    # Words at the edges that have changed beyond recognition still are those words if they lie within the place.
    first, last = pairs[0][1], pairs[-1][1] + 1
    for _ in range(pairs[0][0]):
        if first > 0 and near[first - 1].middle_s >= place.start_s - _EDGE_S / 2:
            first -= 1
    for _ in range(rows - 1 - pairs[-1][0]):
        if last < columns and near[last].middle_s <= place.end_s + _EDGE_S / 2:
            last += 1
    return Located(first, last) if _lies_in(near[first:last], place) else None


def _pairs(step: Sequence[Sequence[str]], rows: int, columns: int) -> list[tuple[int, int]]:
    pairs, i, j = list[tuple[int, int]](), rows, columns
    while i > 0:
        taken = step[i][j]
        if taken == "pair":
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif taken == "skip":
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _lies_in(found: Sequence[SpokenToken], place: Span) -> bool:
    span = Span(found[0].start_s, found[-1].end_s)
    around = Span(place.start_s - _EDGE_S, place.end_s + _EDGE_S)
    middle_s = (span.start_s + span.end_s) / 2
    return around.start_s <= middle_s <= around.end_s and span.shared_s(around) >= span.duration_s / 2


def _likeness(text: str, found: Sequence[SpokenToken]) -> float:
    wanted = "".join(each.key for each in tokens_of(text))
    return SequenceMatcher(None, wanted, "".join(each.token.key for each in found), autojunk=False).ratio()


@lru_cache(maxsize=4096)
def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
