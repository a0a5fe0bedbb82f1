import logging
import time

import pytest

from flows.display import make_display
from flows.notices import outages_told
from flows.progress import Tally, watched_by
from schemas.outcome import VideoOutcome


def outcome(number: int, status: str = "ok") -> VideoOutcome:
    return VideoOutcome(
        video_id=f"v{number}", uri=f"/v{number}.mp4", size_bytes=2, status=status, duration_s=3.0, load_s=0.5,
        timings_s={"decode": 1.0},
    )  # fmt: skip


def test_counters_count_everything_and_the_sample_keeps_the_newest_failures_first() -> None:
    tally = Tally()
    for number in range(2000):
        tally.end(outcome(number, "failed" if number % 2 else "ok"))
    counted = tally.snapshot
    assert (counted.ok, counted.failed, counted.done_bytes, counted.video_s) == (1000, 1000, 4000, 6000.0)
    assert tally.compute_s == {"decode": 2000.0, "load": 1000.0}
    assert len(tally.sample) == 1000
    assert {each.status for each in tally.sample[:500]} == {"failed"}
    assert tally.sample[499].video_id == "v1999"


def test_running_videos_count_as_far_as_they_are_decoded() -> None:
    tally = Tally()
    tally.move({"v1": 2.0, "v2": 1.0})
    assert tally.snapshot.video_s == 3.0
    tally.end(outcome(1))
    assert tally.snapshot.video_s == 4.0
    tally.move({})
    assert tally.snapshot.video_s == 3.0


def test_an_outcome_costs_the_same_after_many_others() -> None:
    tally = Tally()

    def cost_s(count: int) -> float:
        started = time.process_time()
        for number in range(count):
            tally.end(outcome(number))
        return (time.process_time() - started) / count

    first = cost_s(500)
    cost_s(10_000)
    assert cost_s(500) < 5 * first + 1e-4


def test_the_operator_is_told_of_an_outage_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    requests = logging.getLogger("pipeline.remote.requests")
    with make_display(quiet=False) as display, watched_by(display.show):
        with outages_told(lambda notice: tally.update(notice=notice)):
            for attempt in range(3):
                requests.warning("A store cannot be reached now (attempt %d)", attempt)
        requests.warning("A store cannot be reached now, after the run")
        tally.update(stage="plan")
    assert capsys.readouterr().err.splitlines() == ["A store cannot be reached now (attempt 0)", "starting", "plan"]
