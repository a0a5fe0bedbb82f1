import logging
import time

import pytest

from flows.display import describe, make_display
from flows.notices import outages_told
from flows.progress import Snapshot, Tally, watched_by
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask


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


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clock of a run shows."""
    now = [1000.0]
    monkeypatch.setattr("flows.progress.monotonic", lambda: now[0])
    return now


def test_the_time_left_leaves_out_the_start_and_counts_down_until_the_next_video_ends(clock: list[float]) -> None:
    tally = Tally(Snapshot(videos=20))
    tally.expect(VideoTask(f"v{number}", (f"/v{number}.mp4",), 2, 0) for number in range(20))
    tally.begin()
    clock[0] += 100  # models are loaded
    shown: list[float | None] = []
    for number in range(6):
        clock[0] += 5
        tally.move({"a": 1.0, "b": 2.0})
        shown.append(tally.snapshot.eta_s)
        clock[0] += 5
        tally.end(outcome(number))
        shown.append(tally.snapshot.eta_s)
    assert shown == [*[None] * 7, 160.0, 155.0, 150.0, 145.0, 140.0]
    clock[0] += 139
    tally.move({"a": 5.0})
    assert tally.snapshot.eta_s == 1.0
    clock[0] += 2
    tally.move({"a": 6.0})
    assert tally.snapshot.eta_s is None, "nobody knows when it ends"
    assert "left" not in describe(tally.snapshot)


def test_a_byte_of_audio_costs_what_other_bytes_of_audio_did(clock: list[float]) -> None:
    tally = Tally(Snapshot(videos=30))
    tally.expect(VideoTask(f"v{number}", (f"/v{number}.mp4",), 2, 0) for number in range(6))
    tally.expect(VideoTask(f"a{number}", (f"/a{number}.FLAC",), 2, 0) for number in range(12))
    tally.expect([VideoTask("new", ("/new.mkv",), 3, 0)])
    for number in range(6):
        clock[0] += 10
        tally.end(outcome(number))
    for number in range(2):
        clock[0] += 40
        tally.end(outcome(number).model_copy(update={"uri": f"/a{number}.flac", "timings_s": {"speech": 4.0}}))
    # 13 s of compute in 130 s since the first; left are ten audio files of 4 s, and 3 bytes of the mean, 14 s for 16.
    assert tally.snapshot.eta_s == pytest.approx((10 * 4 + 3 * 14 / 16) * 130 / 13)


def test_no_time_left_is_shown_before_each_worker_has_ended_a_video_or_while_the_archive_is_listed(
    clock: list[float],
) -> None:
    tally = Tally(Snapshot(videos=100, listing=True))
    tally.expect([VideoTask("v", ("/v.mp4",), 200, 0)])
    for number in range(5):
        clock[0] += 10
        tally.end(outcome(number))
    assert tally.snapshot.eta_s is None
    tally.update(listing=False)
    running = {f"v{number}": 1.0 for number in range(10, 18)}
    tally.move(running)
    assert tally.snapshot.eta_s is None, "eight workers, of which four may not have ended a video"
    for number in range(5, 9):
        tally.end(outcome(number))
    tally.move(running)
    assert tally.snapshot.eta_s is not None


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
