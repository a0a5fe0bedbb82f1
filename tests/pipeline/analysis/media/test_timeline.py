import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.media.timeline import Clock, Timeline

BASE = Fraction(1, 1000)
VIDEO, AUDIO = 0, 1
FRAME_S, SOUND_S = 0.04, 0.02


def placed(stamps: list[int | None], *, origin_s: float = 0.0) -> tuple[list[float], list[str]]:
    notes: list[str] = []
    timeline = Timeline(origin_s=origin_s, frame_s=0.04, warn=notes.append)
    return [timeline.time_of(stamp, BASE) for stamp in stamps], notes


@given(st.lists(st.none() | st.integers(-(10**7), 10**7), max_size=50))
def test_times_always_increase_from_zero_or_later(stamps: list[int | None]) -> None:
    times, _ = placed(stamps)
    assert all(time_s >= 0 for time_s in times)
    assert all(before < after for before, after in itertools.pairwise(times))


@given(st.lists(st.integers(1, 400), max_size=50))
def test_good_timestamps_are_left_as_they_are(steps: list[int]) -> None:
    stamps = [sum(steps[: count + 1]) for count in range(len(steps))]
    times, notes = placed(list(stamps))
    assert times == [stamp / 1000 for stamp in stamps]
    assert not notes


def test_audio_without_timestamps_advances_by_its_samples() -> None:
    timeline = Timeline(origin_s=0.0, frame_s=0.04, warn=lambda _: None)
    times = [timeline.time_of(None, None, 0.021) for _ in range(3)]
    assert [round(time_s, 3) for time_s in times] == [0.0, 0.021, 0.042]


Packet = tuple[int, float]
"""Stream and timestamp."""


def part(length_s: float, sound_s: float) -> list[Packet]:
    """Return the packets of a recording from 0.0 on, in the order of their timestamps."""
    video = [(VIDEO, FRAME_S * number) for number in range(round(length_s / FRAME_S))]
    audio = [(AUDIO, SOUND_S * number) for number in range(round(sound_s / SOUND_S))]
    return sorted(video + audio, key=lambda packet: packet[1])


def repaired(packets: list[Packet], *, restarts: bool = True) -> tuple[list[Packet], list[str]]:
    notes: list[str] = []
    clock = Clock(restarts=restarts, warn=notes.append)
    moved = []
    for stream, time_s in packets:
        lasts_s = FRAME_S if stream == VIDEO else SOUND_S
        moved.append((stream, time_s + clock.offset_s(stream, time_s, time_s, lasts_s)))
    return moved, notes


def moved_by(packets: list[Packet], offset_s: float) -> list[Packet]:
    return [(stream, time_s + offset_s) for stream, time_s in packets]


GAP, OVERLAP, JUMP = "gap", "overlap", "jump"
parts = st.lists(
    st.tuples(
        st.integers(2, 6),
        st.floats(0.3, 1.0),
        st.one_of(
            st.tuples(st.just(GAP), st.floats(0.0, 9.0)),
            st.tuples(st.just(OVERLAP), st.floats(0.0, 0.08)),
            st.tuples(st.just(JUMP), st.sampled_from([0.0, 7.0, 1000.0, 5400.0, 95443.7])),
        ),
        st.sampled_from([None, 0.0, 0.5, 60.0]),
    ),
    min_size=1,
    max_size=6,
)
"""Of each part: its length, the share of it that has sound, where it starts, and a wrong duration of its packets."""


@given(parts)
def test_any_mix_of_jumps_gaps_overlaps_wrong_durations_and_unequal_ends_becomes_one_timeline_in_sync(
    given_parts: list[tuple[int, float, tuple[str, float], float | None]],
) -> None:
    clock = Clock(restarts=True, start_s=0.0, warn=lambda _: None)
    timelines = {stream: Timeline(warn=lambda _: None) for stream in (VIDEO, AUDIO)}
    before = dict.fromkeys(timelines, -1.0)
    raw_end_s = true_end_s = 0.0
    for length_s, share, (kind, by_s), wrong_s in given_parts:
        start_s, true_s = raw_end_s, true_end_s
        if kind == GAP or not raw_end_s:
            start_s, true_s = raw_end_s + by_s * bool(raw_end_s), true_end_s + by_s * bool(raw_end_s)
        elif kind == OVERLAP:
            start_s, true_s = raw_end_s - by_s, true_end_s - by_s
        elif not -0.1 <= by_s - raw_end_s <= 10.0:
            start_s = by_s
        for stream, time_s in part(length_s, length_s * share):
            stamp = round((start_s + time_s) * 90_000)
            lasts_s = wrong_s if wrong_s is not None else FRAME_S if stream == VIDEO else SOUND_S
            offset_s = clock.offset_s(stream, stamp / 90_000, stamp / 90_000, lasts_s)
            found_s = timelines[stream].time_of(stamp + round(offset_s * 90_000), Fraction(1, 90_000))
            assert found_s > before[stream]
            assert abs(found_s - (true_s + time_s)) < 0.1, (stream, found_s, true_s + time_s)
            before[stream] = found_s
        raw_end_s, true_end_s = start_s + length_s, true_s + length_s


@given(st.lists(st.floats(0.0, 9.0), max_size=20), st.booleans())
def test_gaps_remain(gaps_s: list[float], restarts: bool) -> None:
    packets: list[Packet] = []
    time_s = 0.0
    for gap_s in gaps_s:
        packets += moved_by(part(1.0, 1.0), time_s)
        time_s += 1.0 + gap_s
    found, notes = repaired(packets, restarts=restarts)
    assert found == packets
    assert not notes


def test_a_stream_may_pause_for_long_while_another_goes_on() -> None:
    packets = [*part(60.0, 5.0), (AUDIO, 60.0), (VIDEO, 60.0)]
    assert repaired(packets)[0] == packets


def test_a_format_whose_clock_cannot_restart_keeps_long_pauses() -> None:
    packets = [(VIDEO, 0.0), (VIDEO, 1800.0), (VIDEO, 9000.0)]
    found, notes = repaired(packets, restarts=False)
    assert found == packets
    assert not notes


def test_packets_of_both_sides_of_a_break_may_alternate() -> None:
    before, after = part(6.0, 6.0), part(6.0, 6.0)
    late = [before.pop(next(at for at in range(len(before) - 1, 0, -1) if before[at][0] == VIDEO))]
    sound = [packet for packet in after if packet[0] == AUDIO][:5]
    rest = [packet for packet in after if packet not in sound]
    found, _ = repaired([*before, *sound, *late, *rest])
    assert max(time_s for _, time_s in found) < 12.1
    for stream in (VIDEO, AUDIO):
        times = [time_s for each, time_s in found if each == stream]
        assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_one_wrong_timestamp_moves_nothing_else() -> None:
    packets = part(10.0, 10.0)
    stream, time_s = packets[200]
    packets[200] = (stream, time_s + 1000.0)
    found, _ = repaired(packets)
    assert found[201:] == packets[201:]


def test_a_wrong_first_timestamp_moves_nothing_else() -> None:
    clock = Clock(restarts=True, start_s=0.5, warn=lambda _: None)
    stamps = [(VIDEO, 38.4), (AUDIO, 0.5), (VIDEO, 0.54), (AUDIO, 0.52), (VIDEO, 0.58)]
    found = [time_s + clock.offset_s(stream, time_s, time_s, 0.04) for stream, time_s in stamps]
    assert [round(time_s, 2) for time_s in found] == [0.5, 0.5, 0.54, 0.52, 0.58]


def test_a_clock_that_wraps_continues() -> None:
    wrap_s = 2**33 / 90_000
    times = [time_s for _, time_s in repaired([(VIDEO, wrap_s - 0.04), (VIDEO, 0.0), (VIDEO, 0.04)])[0]]
    assert [round(time_s - wrap_s, 3) for time_s in times] == [-0.04, 0.0, 0.04]
    times = [time_s for _, time_s in repaired([(VIDEO, 0.0), (VIDEO, 0.04), (VIDEO, 10**6), (VIDEO, 10**6 + 0.04)])[0]]
    assert [round(time_s, 3) for time_s in times] == [0.0, 0.04, 0.08, 0.12]


def test_a_subtitle_belongs_to_the_part_of_a_broken_clock_that_it_is_nearest_to() -> None:
    clock = Clock(restarts=True, start_s=0.0, warn=lambda _: None)
    assert clock.offset_near(3.0) == 0.0
    for index in range(100):
        clock.offset_s(0, index / 10, index / 10, 0.1)
    assert clock.offset_near(9.0) == 0.0
    for index in range(20):
        clock.offset_s(0, 500 + index / 10, 500 + index / 10, 0.1)
    assert round(501.0 + clock.offset_near(501.0)) == 11
    assert clock.offset_near(9.5) == 0.0
