import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.media import prefetch


@given(st.lists(st.integers()), st.integers(1, 5))
def test_the_same_items_come_in_the_same_order(items: list[int], depth: int) -> None:
    assert list(prefetch(iter(items), depth)) == items


def test_what_the_iterator_raises_reaches_the_consumer_after_its_items() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    ahead = prefetch(broken(), 4)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_a_consumer_that_stops_early_ends_the_thread_and_closes_the_iterator() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = threading.active_count()
    ahead = prefetch(endless(), 2)
    next(ahead)
    ahead.close()
    assert closed.is_set()
    assert threading.active_count() == before


def test_it_never_runs_further_ahead_than_the_depth() -> None:
    made: list[int] = []

    def counting() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    for taken, _ in enumerate(prefetch(counting(), 3), start=1):
        assert len(made) <= taken + 3 + 1
