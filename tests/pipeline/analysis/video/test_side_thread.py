"""Calls beside the decoder: in order, bounded, and their errors reach whoever adds the next one."""

import threading
from contextlib import closing

import pytest

from pipeline.analysis.video.side_thread import SideThread


def test_calls_run_in_order_in_one_other_thread() -> None:
    ran: list[tuple[int, str]] = []
    with closing(SideThread("side", max_pending=3)) as thread:
        futures = [thread.add(lambda n=n: ran.append((n, threading.current_thread().name)) or n) for n in range(50)]
        thread.wait()
    assert [number for number, _ in ran] == list(range(50)) == [future.result() for future in futures]
    assert {name for _, name in ran} == {"side_0"}


def test_no_more_calls_wait_than_allowed() -> None:
    gate, began = threading.Event(), threading.Event()
    waiting = 0

    def call() -> None:
        nonlocal waiting
        waiting -= 1
        began.set()
        gate.wait(30)

    with closing(SideThread("side", max_pending=2)) as thread:
        adder_done = threading.Event()

        def add_all() -> None:
            nonlocal waiting
            for _ in range(4):
                waiting += 1
                thread.add(call)
            adder_done.set()

        adder = threading.Thread(target=add_all)
        adder.start()
        assert began.wait(30)
        # One runs, and the adder waits with the third in its hand.
        assert not adder_done.wait(0.2)
        assert waiting <= 2
        gate.set()
        adder.join(30)
        assert adder_done.is_set()
        thread.wait()
        assert waiting == 0


def fail() -> None:
    raise ValueError("boom")


def test_an_error_reaches_whoever_adds_the_next_call() -> None:
    with closing(SideThread("side", max_pending=1)) as thread:
        thread.add(fail)
        with pytest.raises(ValueError, match="boom"):
            thread.add(int)


def test_an_error_reaches_whoever_waits() -> None:
    with closing(SideThread("side", max_pending=1)) as thread:
        thread.add(fail)
        with pytest.raises(ValueError, match="boom"):
            thread.wait()


def test_leaving_early_ends_the_thread_and_drops_what_waits() -> None:
    ran: list[int] = []
    gate = threading.Event()
    with closing(SideThread("side", max_pending=5)) as thread:
        thread.add(gate.wait, 30)
        for number in range(3):
            thread.add(ran.append, number)
        threading.Timer(0.1, gate.set).start()
    assert not any(each.name.startswith("side") for each in threading.enumerate())
    assert len(ran) < 3
