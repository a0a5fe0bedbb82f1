"""Utterances get their speakers, and are cut where the voice changes."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speakers.turns import VoiceWindows, name_speakers, split_utterance, voice_path
from schemas.config import SpeakersConfig
from schemas.records import Utterance, Word

ANNE, BOB = np.eye(8, dtype=np.float32)[:2]


def utterance(text: str, start_s: float, *, word_s: float = 0.4, index: int = 0, words: bool = True) -> Utterance:
    spoken = [
        Word(word, start_s + n * word_s, start_s + (n + 1) * word_s - 0.05, 0.9) for n, word in enumerate(text.split())
    ]
    return Utterance(
        index=index,
        start_s=start_s,
        end_s=spoken[-1].end_s,
        text=text,
        language="en",
        speaker=None,
        words=tuple(spoken) if words else (),
        avg_logprob=-0.2,
        no_speech_prob=0.0,
        compression_ratio=1.0,
        flags=(),
    )


def heard(*voices: np.ndarray, start_s: float = 0.0) -> VoiceWindows:
    """A window a second, 1.5 s long."""
    starts = start_s + np.arange(len(voices), dtype=np.float64)
    return VoiceWindows(starts, starts + 1.5, np.stack(voices))


def test_speakers_are_numbered_as_they_appear() -> None:
    utterances = [utterance("one two three", 4.0), utterance("four five six", 10.0), utterance("seven", 14.0)]
    windows = VoiceWindows(
        np.array([4.0, 4.5, 10.0, 10.5, 14.0]),
        np.array([5.5, 6.0, 11.5, 12.0, 15.0]),
        np.stack([BOB, BOB, ANNE, ANNE, BOB]),
    )
    named = name_speakers(utterances, windows, SpeakersConfig())
    assert [each.speaker for each in named] == ["S1", "S2", "S1"]
    assert [each.index for each in named] == [0, 1, 2]


def test_an_utterance_is_cut_at_the_pause_nearest_to_the_change_of_voice() -> None:
    said = utterance("Are you coming tonight? Yes, I think so, at eight.", 0.0)
    # "tonight?" ends at 1.55 s; then nobody speaks for 0.3 s.
    late = (*said.words[:4], *(Word(w.word, w.start_s + 0.3, w.end_s + 0.3, 0.9) for w in said.words[4:]))
    said = replace(said, words=late, end_s=late[-1].end_s)
    windows = VoiceWindows(
        np.array([0.0, 0.1, 2.0, 2.8]), np.array([1.5, 1.6, 3.5, 4.3]), np.stack([ANNE, ANNE, BOB, BOB])
    )
    first, second = name_speakers([said], windows, SpeakersConfig())
    assert (first.text, first.speaker) == ("Are you coming tonight?", "S1")
    assert (second.text, second.speaker) == ("Yes, I think so, at eight.", "S2")
    assert (first.end_s, second.start_s) == (late[3].end_s, late[4].start_s)
    assert [each.index for each in (first, second)] == [0, 1]


def test_without_word_times_an_utterance_stays_whole_and_is_whose_most_of_it_is() -> None:
    said = utterance("a b c d e f g h i j", 0.0, words=False)
    [whole] = name_speakers([said], heard(ANNE, ANNE, BOB, BOB, BOB), SpeakersConfig())
    assert whole.text == said.text
    assert whole.speaker == "S1"


def test_nobody_is_named_where_no_voice_was_heard() -> None:
    far = utterance("far away", 100.0)
    assert name_speakers([far], heard(ANNE, ANNE), SpeakersConfig())[0].speaker is None
    nothing = VoiceWindows(np.zeros(0), np.zeros(0), np.zeros((0, 1), np.float32))
    assert name_speakers([far], nothing, SpeakersConfig()) == (far,)


@given(
    st.integers(1, 5).flatmap(
        lambda count: st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=count, max_size=count)
    ),
    st.floats(0, 1),
)
def test_the_path_of_voices_is_the_most_similar_of_all(similarity: list[list[float]], cost: float) -> None:
    rows = np.array(similarity)

    def value(path: tuple[int, ...] | list[int]) -> float:
        changes = sum(a != b for a, b in pairwise(path))
        return float(sum(rows[n, voice] for n, voice in enumerate(path)) - cost * changes)

    best = max(value(path) for path in product(range(3), repeat=len(rows)))
    assert value(voice_path(rows, cost)) == pytest.approx(best)


@given(st.lists(st.sampled_from(["a", "aa", "the", "no,", "é.", "一"]), min_size=2, max_size=12), st.data())
def test_the_parts_of_an_utterance_make_up_the_whole(words: list[str], data: st.DataObject) -> None:
    said = utterance(" ".join(words), 3.0)
    index = data.draw(st.integers(1, len(words) - 1))
    first, second = split_utterance(said, index)
    assert f"{first.text} {second.text}" == said.text
    assert first.words + second.words == said.words
    assert (first.start_s, second.end_s) == (said.start_s, said.end_s)
    assert first.text.split() == [word.word for word in first.words]
