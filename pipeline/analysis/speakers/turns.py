"""Who says what: windows of sound to voices, voices to utterances, and utterances cut where the voice changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speakers.clustering import find_voices
from schemas.config import SpeakersConfig
from schemas.records import Utterance, Word

RELIABLE_S = 0.8
"""Windows with less speech than this name no voices, and count less when they are given to one."""
FULL_S = 1.5
SWITCH_COST = 0.35
"""What a change of voice within an utterance must gain in likeness, summed over its windows."""
SNAP_S = 1.0
"""A change is moved so far at most, to lie between words."""
NEAR_S = 2.0
"""An utterance without a window of its own takes the voice of one at most so far away."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceWindows:
    """Windows of speech in order of time."""

    start_s: NDArray[np.float64]
    """(n,)"""
    end_s: NDArray[np.float64]
    """(n,)"""
    vectors: NDArray[np.float32]
    """(n, d) of unit length."""


def name_speakers(
    utterances: Sequence[Utterance], windows: VoiceWindows, config: SpeakersConfig
) -> tuple[Utterance, ...]:
    """Say who speaks each utterance: `S1`, `S2`, … in order of appearance.

    An utterance in which the voice changes is cut at the pause between words nearest to the change; the parts keep its
    scores and flags.

    Args:
        utterances: In order of time.
        windows: Of the speech that they were heard in.
        config: Threshold and number of voices.

    Returns:
        The utterances, numbered anew; `speaker` stays None where nothing was heard well enough.
    """
    if not len(windows.vectors) or not utterances:
        return tuple(utterances)
    seconds = windows.end_s - windows.start_s
    reliable = seconds >= min(RELIABLE_S, float(seconds.max()))
    voices = find_voices(
        windows.vectors[reliable], seconds[reliable], threshold=config.threshold, max_voices=config.max_speakers
    )
    # (n, k); a short window says less about who speaks.
    likeness = np.asarray(windows.vectors @ voices.T * np.minimum(seconds / FULL_S, 1.0)[:, None], np.float64)
    middle_s = (windows.start_s + windows.end_s) / 2
    parts = [part for utterance in utterances for part in _by_voice(utterance, windows, middle_s, likeness)]
    names: dict[int, str] = {}
    named = []
    for index, (utterance, voice) in enumerate(parts):
        speaker = None if voice is None else names.setdefault(voice, f"S{len(names) + 1}")
        named.append(replace(utterance, index=index, speaker=speaker))
    return tuple(named)


def _by_voice(
    utterance: Utterance, windows: VoiceWindows, middle_s: NDArray[np.float64], likeness: NDArray[np.float64]
) -> list[tuple[Utterance, int | None]]:
    first, last = (int(place) for place in np.searchsorted(middle_s, [utterance.start_s, utterance.end_s]))
    if first == last:
        return [(utterance, _nearest(utterance, windows, likeness))]
    path = voice_path(likeness[first:last])
    changes = [n for n, (before, after) in enumerate(pairwise(path), 1) if before != after]
    rest, parts = utterance, []
    for change in changes:
        cut = _cut(rest.words, float(middle_s[first + change - 1] + middle_s[first + change]) / 2)
        if cut:
            before, rest = split_utterance(rest, cut)
            parts.append((before, path[change - 1]))
    if len(parts) == len(changes):
        return [*parts, (rest, path[-1])]
    # Without words to cut between, the utterance is whose most of it is.
    return [(utterance, int(likeness[first:last].sum(axis=0).argmax()))]


def voice_path(likeness: NDArray[np.float64], switch_cost: float = SWITCH_COST) -> list[int]:
    """Return the voices of consecutive windows that are likest in sum, less what each change costs (Viterbi 1967).

    Args:
        likeness: (n, k) of each window to each voice, n at least 1.
        switch_cost: Of each change.

    Returns:
        n voices.
    """
    score = likeness[0].copy()
    back = []
    for row in likeness[1:]:
        best = int(score.argmax())
        stays = score >= score[best] - switch_cost
        back.append(np.where(stays, np.arange(len(score)), best))
        score = np.where(stays, score, score[best] - switch_cost) + row
    path = [int(score.argmax())]
    for origins in reversed(back):
        path.append(int(origins[path[-1]]))
    return path[::-1]


def _nearest(utterance: Utterance, windows: VoiceWindows, likeness: NDArray[np.float64]) -> int | None:
    """Return the voice of the window that overlaps an utterance most, or else is nearest to it in time."""
    shared = np.minimum(windows.end_s, utterance.end_s) - np.maximum(windows.start_s, utterance.start_s)
    best = int(shared.argmax())
    return int(likeness[best].argmax()) if shared[best] > -NEAR_S else None


def _cut(words: Sequence[Word], change_s: float) -> int:
    """Return before which word to cut: at a long pause near the change; 0 where there is no word to cut at."""

    def merit(place: int) -> float:
        before, after = words[place - 1], words[place]
        away_s = abs((before.end_s + after.start_s) / 2 - change_s)
        return min(after.start_s - before.end_s, 0.5) - away_s if away_s <= SNAP_S else -np.inf

    best = max(range(1, len(words)), key=merit, default=0)
    return best if best and merit(best) > -np.inf else 0


def split_utterance(utterance: Utterance, place: int) -> tuple[Utterance, Utterance]:
    """Cut an utterance before one of its words.

    Args:
        utterance: With words that follow each other in its text.
        place: Of the first word of the second part, from 1 to its last.

    Returns:
        Two utterances with the text and words of both parts, and else what the one had; a translation stays with the
        first.
    """
    offset = 0
    for word in utterance.words[:place]:
        offset = utterance.text.index(word.word, offset) + len(word.word)
    offset = utterance.text.index(utterance.words[place].word, offset)
    before, after = utterance.words[:place], utterance.words[place:]
    return (
        replace(utterance, text=utterance.text[:offset].rstrip(), words=before, end_s=before[-1].end_s),
        replace(utterance, text=utterance.text[offset:], words=after, start_s=after[0].start_s, translation=None),
    )
