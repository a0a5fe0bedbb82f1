"""Assigning voices to utterances, and splitting utterances where the voice changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speakers.clustering import find_voices
from schemas.config import SpeakersConfig
from schemas.records import Utterance, Voice, Word

RELIABLE_S = 0.8
"""Windows with less speech than this do not define voices."""
FULL_S = 1.5
"""Windows with less speech than this count less when voices are assigned."""
SWITCH_COST = 0.35
"""Similarity, summed over windows, that a change of voice within an utterance must gain."""
SNAP_S = 1.0
"""A change of voice moves at most this far to fall between words."""
NEAR_S = 2.0
"""An utterance without a window takes the voice of the nearest window within this distance."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceWindows:
    """Windows of speech in time order."""

    start_s: NDArray[np.float64]
    """(n,)"""
    end_s: NDArray[np.float64]
    """(n,)"""
    vectors: NDArray[np.float32]
    """(n, d) of unit length."""


def name_speakers(
    utterances: Sequence[Utterance], windows: VoiceWindows, config: SpeakersConfig
) -> tuple[Utterance, ...]:
    """Name the speaker of each utterance: `S1`, `S2`, … in order of appearance.

    An utterance in which the voice changes is split at a pause between words near the change. The parts keep its
    scores and flags.

    Args:
        utterances: In time order.
        windows: Windows of the same track's speech.
        config: Threshold and number of voices.

    Returns:
        The utterances, renumbered. `speaker` stays None if no window is near enough.
    """
    if not len(windows.vectors) or not utterances:
        return tuple(utterances)
    seconds = windows.end_s - windows.start_s
    reliable = seconds >= min(RELIABLE_S, float(seconds.max()))
    voices = find_voices(
        windows.vectors[reliable], seconds[reliable], threshold=config.threshold, max_voices=config.max_speakers
    )
    # (n, k); a short window is weaker evidence.
    similarity = np.asarray(windows.vectors @ voices.T * np.minimum(seconds / FULL_S, 1.0)[:, None], np.float64)
    middle_s = (windows.start_s + windows.end_s) / 2
    parts = [part for utterance in utterances for part in _by_voice(utterance, windows, middle_s, similarity)]
    names: dict[int, str] = {}
    named = []
    for index, (utterance, voice) in enumerate(parts):
        speaker = None if voice is None else names.setdefault(voice, f"S{len(names) + 1}")
        named.append(replace(utterance, index=index, speaker=speaker))
    return tuple(named)


def voices_of(utterances: Sequence[Utterance], windows: VoiceWindows, model: str) -> tuple[Voice, ...]:
    """Return the voice of each speaker: the mean of the windows within their utterances.

    Args:
        utterances: With speakers.
        windows: Windows of the same track's speech.
        model: Id of the model that made the vectors.
    """
    if not len(windows.vectors):
        return ()
    middle_s = (windows.start_s + windows.end_s) / 2
    seconds = windows.end_s - windows.start_s
    sums: dict[str, NDArray[np.float64]] = {}
    speech_s: dict[str, float] = {}
    for utterance in utterances:
        if utterance.speaker is None:
            continue
        first, last = np.searchsorted(middle_s, [utterance.start_s, utterance.end_s])
        weighted = (windows.vectors[first:last] * seconds[first:last, None]).sum(axis=0, dtype=np.float64)
        sums[utterance.speaker] = sums.get(utterance.speaker, np.zeros_like(weighted)) + weighted
        speech_s[utterance.speaker] = speech_s.get(utterance.speaker, 0.0) + utterance.end_s - utterance.start_s
    return tuple(
        Voice(speaker, (total / np.linalg.norm(total)).astype(np.float32), speech_s[speaker], model)
        for speaker, total in sums.items()
        if np.linalg.norm(total) > 0
    )


def _by_voice(
    utterance: Utterance, windows: VoiceWindows, middle_s: NDArray[np.float64], similarity: NDArray[np.float64]
) -> list[tuple[Utterance, int | None]]:
    first, last = (int(index) for index in np.searchsorted(middle_s, [utterance.start_s, utterance.end_s]))
    if first == last:
        return [(utterance, _nearest(utterance, windows, similarity))]
    path = voice_path(similarity[first:last])
    changes = [n for n, (before, after) in enumerate(pairwise(path), 1) if before != after]
    rest, parts = utterance, []
    for change in changes:
        cut = _cut(rest.words, float(middle_s[first + change - 1] + middle_s[first + change]) / 2)
        if cut:
            before, rest = split_utterance(rest, cut)
            parts.append((before, path[change - 1]))
    if len(parts) == len(changes):
        return [*parts, (rest, path[-1])]
    # Without word times the utterance cannot be split, so it goes to the voice with the greatest total similarity.
    return [(utterance, int(similarity[first:last].sum(axis=0).argmax()))]


def voice_path(similarity: NDArray[np.float64], switch_cost: float = SWITCH_COST) -> list[int]:
    """Return the most similar sequence of voices, with a cost for each change (Viterbi 1967).

    Args:
        similarity: (n, k) of each window to each voice, n at least 1.
        switch_cost: Cost of each change.

    Returns:
        The index of the voice of each window.
    """
    score = similarity[0].copy()
    back = []
    for row in similarity[1:]:
        best = int(score.argmax())
        stays = score >= score[best] - switch_cost
        back.append(np.where(stays, np.arange(len(score)), best))
        score = np.where(stays, score, score[best] - switch_cost) + row
    path = [int(score.argmax())]
    for origins in reversed(back):
        path.append(int(origins[path[-1]]))
    return path[::-1]


def _nearest(utterance: Utterance, windows: VoiceWindows, similarity: NDArray[np.float64]) -> int | None:
    """Return the voice of the window that overlaps an utterance most, or of the nearest one."""
    shared = np.minimum(windows.end_s, utterance.end_s) - np.maximum(windows.start_s, utterance.start_s)
    best = int(shared.argmax())
    return int(similarity[best].argmax()) if shared[best] > -NEAR_S else None


def _cut(words: Sequence[Word], change_s: float) -> int:
    """Return the index of the word to split before, at a long pause near the change; 0 if there is none."""

    def score(index: int) -> float:
        before, after = words[index - 1], words[index]
        away_s = abs((before.end_s + after.start_s) / 2 - change_s)
        return min(after.start_s - before.end_s, 0.5) - away_s if away_s <= SNAP_S else -np.inf

    best = max(range(1, len(words)), key=score, default=0)
    return best if best and score(best) > -np.inf else 0


def split_utterance(utterance: Utterance, index: int) -> tuple[Utterance, Utterance]:
    """Split an utterance before one of its words.

    Args:
        utterance: Its words occur in its text in the same order.
        index: Index of the first word of the second part, at least 1.

    Returns:
        Two utterances with the text and words of each part. All other fields are copied, but only the first keeps the
        translation.
    """
    offset = 0
    for word in utterance.words[:index]:
        offset = utterance.text.index(word.word, offset) + len(word.word)
    offset = utterance.text.index(utterance.words[index].word, offset)
    before, after = utterance.words[:index], utterance.words[index:]
    return (
        replace(utterance, text=utterance.text[:offset].rstrip(), words=before, end_s=before[-1].end_s),
        replace(utterance, text=utterance.text[offset:], words=after, start_s=after[0].start_s, translation=None),
    )
