from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.media.outliers import without_outliers

MS = Fraction(1, 1000)


@dataclass
class Packet:
    stream_index: int
    dts: int | None
    pts: int | None
    time_base: Fraction = MS
    size: int = 100


def packets(times_ms: list[tuple[int, int]]) -> list[Packet]:
    return [Packet(stream, time, time) for stream, time in times_ms]


def ignore(_: str) -> None: ...


def repaired(found: list[Packet]) -> list[int | None]:
    return [packet.dts for packet in without_outliers(iter(found), ignore, ignore, start_s=(found[0].dts or 0) / 1000)]


@st.composite
def clean_files(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Two interleaved streams with pauses of any length, in one or several parts whose clocks start anywhere."""
    times: list[tuple[int, int]] = []
    for start in draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True)):
        now = start * 10**8
        for _ in range(draw(st.integers(3, 30))):
            now += draw(st.sampled_from([20, 40, 40, 40, 900, 5_000, 600_000]))
            times += [(0, now), (1, now + 3)]
    return times


@given(clean_files())
def test_a_file_that_pauses_or_starts_again_keeps_its_timestamps(times: list[tuple[int, int]]) -> None:
    assert repaired(packets(times)) == [time for _, time in times]


@given(st.data())
def test_wrong_timestamps_are_removed_and_no_others(data: st.DataObject) -> None:
    times = [(stream, 40 * number + stream) for number in range(60) for stream in (0, 1)]
    wrong = data.draw(st.sets(st.integers(4, len(times) - 8), max_size=4))
    if any(other != one and abs(other - one) <= 4 for one in wrong for other in wrong):
        wrong = set(list(wrong)[:1])
    by = st.one_of(st.integers(500, 10**9), st.integers(-(10**9), -500))
    found = packets(times)
    for number in wrong:
        found[number].dts = found[number].pts = times[number][1] + data.draw(by)
    expected = [None if number in wrong else time for number, (_, time) in enumerate(times)]
    assert repaired(found) == expected


@given(st.integers(2_000, 10**9), st.integers(2, 40))
def test_a_stretch_of_wrong_timestamps_is_removed(by_ms: int, count: int) -> None:
    times = [40 * number for number in range(100)]
    found = [Packet(0, time + by_ms * (30 <= number < 30 + count), None) for number, time in enumerate(times)]
    assert repaired(found) == [None if 30 <= number < 30 + count else time for number, time in enumerate(times)]


@given(st.integers(3_700_000, 10**9), st.booleans())
def test_a_wrong_first_timestamp_is_removed(by_ms: int, early: bool) -> None:
    found = packets([(0, 0 if early else by_ms), *((0, 40 * number + by_ms * early) for number in range(1, 9))])
    assert repaired(found)[:2] == [None, 40 + by_ms * early]


@given(st.integers(60_000, 10**9), st.integers(10, 100))
def test_a_stream_that_jumps_alone_is_moved_back(by_ms: int, at: int) -> None:
    times = [(stream, 40 * number + stream) for number in range(300) for stream in (0, 1)]
    found = [
        Packet(stream, t + by_ms * (stream == 1 and number > 2 * at), None) for number, (stream, t) in enumerate(times)
    ]
    assert all(abs((got or 0) - time) <= 40 for got, (_, time) in zip(repaired(found), times, strict=True))


def test_memory_is_bounded_while_it_looks_ahead() -> None:
    read = 0

    def endless() -> Iterator[Packet]:
        nonlocal read
        for number in range(10_000):
            read = number
            yield Packet(0, 5_000 * number, None, size=10**6)

    next(without_outliers(endless(), ignore, ignore, start_s=0.0))
    found = without_outliers(endless(), ignore, ignore, start_s=0.0)
    next(found), next(found)
    assert read < 50
