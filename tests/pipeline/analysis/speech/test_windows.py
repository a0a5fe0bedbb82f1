"""Windows: every segment once, in order, in at most 30 s, with times that lead back to where they came from."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech.voice_activity import SpeechSegment
from pipeline.analysis.speech.windows import (
    BLOCK_SAMPLES,
    WINDOW_SAMPLES,
    AudioBuffer,
    Window,
    WindowPacker,
    WindowPlan,
    plan_window,
)


@st.composite
def segments(draw: st.DrawFn) -> list[SpeechSegment]:
    spans = draw(st.lists(st.tuples(st.integers(0, 120_000), st.integers(512, 448_000)), min_size=1, max_size=40))
    found, end = [], 0
    for pause, length in spans:
        found.append(SpeechSegment(end + pause, end + pause + length, 0.9))
        end += pause + length
    return found


def pack(found: list[SpeechSegment]) -> list[WindowPlan]:
    packer = WindowPacker()
    return [plan for segment in found for plan in packer.add(segment)] + packer.finish()


@given(segments())
def test_every_segment_is_in_one_window_in_order(found: list[SpeechSegment]) -> None:
    assert [segment for plan in pack(found) for segment in plan.segments] == found


@given(segments())
def test_no_window_is_longer_than_the_encoder_takes(found: list[SpeechSegment]) -> None:
    assert all(0 < plan.samples <= WINDOW_SAMPLES for plan in pack(found))


@given(segments())
def test_no_audio_is_in_two_windows_and_segments_lie_whole_in_a_piece(found: list[SpeechSegment]) -> None:
    plans = pack(found)
    edges = [edge for plan in plans for piece in plan.pieces for edge in piece]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    for plan in plans:
        assert all(any(a <= segment.start and segment.end <= b for a, b in plan.pieces) for segment in plan.segments)


@given(segments(), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_times_in_a_window_lead_back_in_order_and_into_its_pieces(
    found: list[SpeechSegment],
    shares: list[float],
) -> None:
    for plan in pack(found):
        moments = sorted(share * plan.samples for share in shares)
        spans = [plan.original(a, b) for a, b in pairwise(moments)]
        assert all(any(a <= start <= end <= b for a, b in plan.pieces) for start, end in spans)
        assert all(one[0] <= two[0] and one[1] <= two[1] for one, two in pairwise(spans))


def test_a_long_pause_is_shortened_and_a_short_one_kept() -> None:
    plan = plan_window([SpeechSegment(*span, 1.0) for span in ((16_000, 32_000), (40_000, 56_000), (160_000, 176_000))])
    assert plan.pieces == ((9_600, 62_400), (153_600, 182_400))


def test_a_very_long_pause_ends_the_window() -> None:
    first, second = pack([SpeechSegment(0, 80_000, 1.0), SpeechSegment(120_000, 200_000, 1.0)])
    assert (first.segments[0].end, second.segments[0].start) == (80_000, 120_000)


def test_words_scattered_over_a_few_seconds_share_a_window() -> None:
    assert len(pack([SpeechSegment(0, 8_000, 1.0), SpeechSegment(50_000, 58_000, 1.0)])) == 1


def test_windows_of_dense_speech_are_well_filled() -> None:
    found = [SpeechSegment(n * 50_000, n * 50_000 + 45_000, 1.0) for n in range(100)]
    plans = pack(found)
    assert len(plans) <= 1.15 * 100 * 50_000 / WINDOW_SAMPLES + 1


def numbered(plan: WindowPlan) -> Window:
    """Return a window whose samples are their own indices in the track."""
    return Window(plan, np.concatenate([np.arange(a, b, dtype=np.float32) for a, b in plan.pieces]))


@given(segments())
def test_halves_share_the_segments_and_hold_the_same_audio(found: list[SpeechSegment]) -> None:
    # Indices up to 2^24 are whole numbers in float32.
    for window in (numbered(plan) for plan in pack(found) if plan.pieces[-1][1] < 2**24):
        halves = window.halves()
        if halves is None:
            assert len(window.plan.segments) == 1
            continue
        assert halves[0].plan.segments + halves[1].plan.segments == window.plan.segments
        for half in halves:
            assert np.array_equal(half.audio, numbered(half.plan).audio)


@given(st.lists(st.integers(0, 40_000), max_size=12), st.integers(0, 200_000), st.integers(0, 50_000))
def test_the_buffer_returns_what_went_in_and_silence_beyond(sizes: list[int], start: int, length: int) -> None:
    whole = np.arange(sum(sizes), dtype=np.float32)
    buffer, done = AudioBuffer(), 0
    for size in sizes:
        buffer.add(whole[done : done + size])
        done += size
    expected = np.pad(whole, (0, start + length))[start : start + length]
    assert buffer.length == len(whole)
    assert np.array_equal(buffer.read(start, start + length), expected)


def test_the_buffer_releases_what_is_not_needed_and_keeps_what_is() -> None:
    buffer = AudioBuffer()
    buffer.add(np.arange(100 * BLOCK_SAMPLES, dtype=np.float32))
    buffer.release([(5 * BLOCK_SAMPLES + 7, 6 * BLOCK_SAMPLES + 9)], before=98 * BLOCK_SAMPLES)
    assert buffer.held_samples == 4 * BLOCK_SAMPLES
    assert buffer.read(5 * BLOCK_SAMPLES, 5 * BLOCK_SAMPLES + 3).tolist() == [80_000, 80_001, 80_002]
