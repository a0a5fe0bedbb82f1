"""Windows: every island once, in order, in at most 30 s, with times that lead back to where they came from."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech.activity import Island
from pipeline.analysis.speech.windows import (
    BLOCK_SAMPLES,
    WINDOW_SAMPLES,
    Plan,
    SoundBuffer,
    Window,
    WindowPacker,
    plan_window,
)


@st.composite
def islands(draw: st.DrawFn) -> list[Island]:
    spans = draw(st.lists(st.tuples(st.integers(0, 120_000), st.integers(512, 448_000)), min_size=1, max_size=40))
    found, end = [], 0
    for pause, length in spans:
        found.append(Island(end + pause, end + pause + length, 0.9))
        end += pause + length
    return found


def pack(found: list[Island]) -> list[Plan]:
    packer = WindowPacker()
    return [plan for island in found for plan in packer.add(island)] + packer.finish()


@given(islands())
def test_every_island_is_in_one_window_in_order(found: list[Island]) -> None:
    assert [island for plan in pack(found) for island in plan.islands] == found


@given(islands())
def test_no_window_is_longer_than_the_encoder_takes(found: list[Island]) -> None:
    assert all(0 < plan.samples <= WINDOW_SAMPLES for plan in pack(found))


@given(islands())
def test_no_sound_is_in_two_windows_and_islands_lie_whole_in_a_piece(found: list[Island]) -> None:
    plans = pack(found)
    edges = [edge for plan in plans for piece in plan.pieces for edge in piece]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    for plan in plans:
        assert all(any(a <= island.start and island.end <= b for a, b in plan.pieces) for island in plan.islands)


@given(islands(), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_times_in_a_window_lead_back_in_order_and_into_its_pieces(found: list[Island], shares: list[float]) -> None:
    for plan in pack(found):
        moments = sorted(share * plan.samples for share in shares)
        spans = [plan.original(a, b) for a, b in pairwise(moments)]
        assert all(any(a <= start <= end <= b for a, b in plan.pieces) for start, end in spans)
        assert all(one[0] <= two[0] and one[1] <= two[1] for one, two in pairwise(spans))


def test_a_long_pause_is_shortened_and_a_short_one_kept() -> None:
    plan = plan_window([Island(16_000, 32_000, 1.0), Island(40_000, 56_000, 1.0), Island(160_000, 176_000, 1.0)])
    assert plan.pieces == ((9_600, 62_400), (153_600, 182_400))


def test_a_very_long_pause_ends_the_window() -> None:
    first, second = pack([Island(0, 80_000, 1.0), Island(120_000, 200_000, 1.0)])
    assert (first.islands[0].end, second.islands[0].start) == (80_000, 120_000)


def test_words_scattered_over_a_few_seconds_share_a_window() -> None:
    assert len(pack([Island(0, 8_000, 1.0), Island(50_000, 58_000, 1.0)])) == 1


def test_windows_of_dense_speech_are_well_filled() -> None:
    found = [Island(n * 50_000, n * 50_000 + 45_000, 1.0) for n in range(100)]
    plans = pack(found)
    assert len(plans) <= 1.15 * 100 * 50_000 / WINDOW_SAMPLES + 1


def as_sound(plan: Plan) -> Window:
    """Return a window whose samples are their own places in the track."""
    return Window(plan, np.concatenate([np.arange(a, b, dtype=np.float32) for a, b in plan.pieces]))


@given(islands())
def test_halves_share_the_islands_and_hear_the_same_sound(found: list[Island]) -> None:
    # Places up to 2^24 are whole numbers in float32.
    for window in (as_sound(plan) for plan in pack(found) if plan.pieces[-1][1] < 2**24):
        halves = window.halves()
        if halves is None:
            assert len(window.plan.islands) == 1
            continue
        assert halves[0].plan.islands + halves[1].plan.islands == window.plan.islands
        for half in halves:
            assert np.array_equal(half.sound, as_sound(half.plan).sound)


@given(st.lists(st.integers(0, 40_000), max_size=12), st.integers(0, 200_000), st.integers(0, 50_000))
def test_the_buffer_returns_what_went_in_and_silence_beyond(sizes: list[int], start: int, length: int) -> None:
    whole = np.arange(sum(sizes), dtype=np.float32)
    buffer, done = SoundBuffer(), 0
    for size in sizes:
        buffer.add(whole[done : done + size])
        done += size
    expected = np.pad(whole, (0, start + length))[start : start + length]
    assert buffer.length == len(whole)
    assert np.array_equal(buffer.read(start, start + length), expected)


def test_the_buffer_forgets_what_is_not_needed_and_keeps_what_is() -> None:
    buffer = SoundBuffer()
    buffer.add(np.arange(100 * BLOCK_SAMPLES, dtype=np.float32))
    buffer.forget([(5 * BLOCK_SAMPLES + 7, 6 * BLOCK_SAMPLES + 9)], before=98 * BLOCK_SAMPLES)
    assert buffer.held_samples == 4 * BLOCK_SAMPLES
    assert buffer.read(5 * BLOCK_SAMPLES, 5 * BLOCK_SAMPLES + 3).tolist() == [80_000, 80_001, 80_002]
