"""Voice activity: the same segments however the audio arrives, and none where nobody speaks."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.analysis.speech.voice_activity import (
    FRAME_SAMPLES,
    MAX_SEGMENT_FRAMES,
    SpeechSegment,
    SpeechSegmentFinder,
    VoiceActivityDetector,
)
from tests.nightly import examples

activity = cache(VoiceActivityDetector)
RANDOM = np.random.default_rng(0)
SECONDS = np.arange(10 * 16_000) / 16_000
# Bursts of a voiced sound with formants, so that the network has something to change its mind about.
BABBLE = (
    sum(np.sin(2 * np.pi * f * SECONDS) for f in (120, 240, 700, 1200, 2500))
    * (np.sin(2 * np.pi * 3 * SECONDS) > 0)
    * 0.1
    + RANDOM.normal(0, 0.01, len(SECONDS))
).astype(np.float32)


def cut(total: int, places: list[int]) -> list[tuple[int, int]]:
    edges = [0, *sorted(place % (total + 1) for place in places), total]
    return list(pairwise(edges))


def probabilities(audio: NDArray[np.float32], places: list[int]) -> NDArray[np.float32]:
    stream = activity().stream()
    return np.concatenate([*(stream.add(audio[a:b]) for a, b in cut(len(audio), places)), stream.finish()])


@pytest.mark.models
@settings(max_examples=examples(25))
@given(st.lists(st.integers(0, len(BABBLE)), max_size=12))
def test_probabilities_are_the_same_to_the_last_bit_whatever_the_block_sizes(places: list[int]) -> None:
    assert np.array_equal(probabilities(BABBLE, places), probabilities(BABBLE, []))


@pytest.mark.models
def test_probabilities_cover_every_sample_and_agree_with_the_networks_own_wrapper() -> None:
    from faster_whisper.vad import get_vad_model

    audio = BABBLE[:50_000]
    padded = np.pad(audio, (0, -len(audio) % FRAME_SAMPLES))
    theirs = np.asarray(get_vad_model()(padded)).reshape(-1)
    ours = probabilities(audio, [])
    assert len(ours) == len(padded) // FRAME_SAMPLES
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@given(st.lists(st.floats(0, 1, width=32), max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_segments_are_the_same_however_their_probabilities_arrive(values: list[float], places: list[int]) -> None:
    frames = np.array(values, np.float32)
    whole, parts = SpeechSegmentFinder(0.5, 0.25), SpeechSegmentFinder(0.5, 0.25)
    expected = whole.add(frames) + whole.finish()
    found = [segment for a, b in cut(len(frames), places) for segment in parts.add(frames[a:b])]
    assert found + parts.finish() == expected


@given(
    st.lists(
        st.sampled_from([0.0, 0.2, 0.45, 0.9]).flatmap(lambda p: st.integers(1, 60).map(lambda n: [p] * n)), max_size=80
    )
)
def test_segments_follow_each_other_and_none_is_longer_than_a_window(runs: list[list[float]]) -> None:
    frames = np.array([p for run in runs for p in run], np.float32)
    finder = SpeechSegmentFinder(0.5, 0.0)
    segments = finder.add(frames) + finder.finish()
    edges = [edge for segment in segments for edge in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert all(0 < segment.end - segment.start <= MAX_SEGMENT_FRAMES * FRAME_SAMPLES for segment in segments)
    assert not segments or segments[-1].end <= len(frames) * FRAME_SAMPLES
    covered = np.zeros(len(frames), bool)
    for segment in segments:
        covered[segment.start // FRAME_SAMPLES : segment.end // FRAME_SAMPLES] = True
    assert covered[frames >= 0.5].all()


def find(probabilities_: list[float], min_speech_s: float = 0.25) -> list[SpeechSegment]:
    finder = SpeechSegmentFinder(0.5, min_speech_s)
    return finder.add(np.array(probabilities_, np.float32)) + finder.finish()


def test_a_short_dip_does_not_end_a_segment_and_a_long_one_does() -> None:
    assert len(find([0.9] * 20 + [0.1] * 4 + [0.9] * 20)) == 1
    assert len(find([0.9] * 20 + [0.1] * 6 + [0.9] * 20)) == 2


def test_a_lone_burst_is_no_speech_but_one_close_to_speech_is() -> None:
    burst, silence, speech = [0.9] * 4, [0.0] * 100, [0.9] * 30
    assert find(burst + silence + speech) == find([0.0] * 104 + speech)
    assert len(find(burst + [0.0] * 8 + speech)) == 2


def test_a_lone_burst_does_not_hold_on_to_the_sound_after_it() -> None:
    finder = SpeechSegmentFinder(0.5, 0.25)
    finder.add(np.array([0.9] * 4 + [0.0] * 1000, np.float32))
    assert finder.undecided_from == 1004 * FRAME_SAMPLES


def melody() -> NDArray[np.float32]:
    notes = [220, 262, 330, 392, 440, 392, 330, 262] * 5
    seconds = np.arange(8_000) / 16_000
    decay = np.exp(-4 * seconds)
    return np.concatenate(
        [sum(np.sin(2 * np.pi * f * k * seconds) / k for k in (1, 2, 3, 4)) * decay * 0.2 for f in notes]
    ).astype(np.float32)


SPEECHLESS = {
    "silence": np.zeros(20 * 16_000, np.float32),
    "white noise": np.random.default_rng(1).normal(0, 0.1, 20 * 16_000).astype(np.float32),
    "a pure tone": (0.5 * np.sin(2 * np.pi * 1000 * np.arange(20 * 16_000) / 16_000)).astype(np.float32),
    "a melody": melody(),
}


@pytest.mark.models
@pytest.mark.parametrize("name", SPEECHLESS)
def test_there_is_no_speech_in(name: str) -> None:
    frames = probabilities(SPEECHLESS[name], [])
    assert find(frames.tolist()) == []
