"""Calls that never return block nobody."""

import threading
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest
from starlette.testclient import TestClient

from flows.web.app import make_app
from flows.web.bounded_calls import BoundedCalls
from pipeline.lake import Lake, Origin, video_tables
from pipeline.search import Searcher
from schemas.records import VideoTask
from tests.flows.web.lakes import video
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION


def test_a_result_or_an_error_is_passed_on() -> None:
    calls = BoundedCalls[int]()
    assert calls.call("a", lambda: 7, 60) == 7
    with pytest.raises(ZeroDivisionError):
        calls.call("a", lambda: 1 // 0, 60)


def test_equal_calls_share_a_result_and_too_many_calls_time_out() -> None:
    calls, answer, asked = BoundedCalls[int](max_running=1), threading.Event(), []

    def question() -> int:
        asked.append(1)
        answer.wait()
        return 7

    with pytest.raises(TimeoutError):
        calls.call("slow", question, 0)
    with pytest.raises(TimeoutError):
        calls.call("other", lambda: 1, 60)
    with ThreadPoolExecutor(1) as executor:
        again = executor.submit(calls.call, "slow", question, 60)
        answer.set()
        assert again.result() == 7
    assert sum(asked) <= 2


def test_a_page_does_not_wait_for_storage_that_never_answers(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake.create(str(tmp_path_factory.mktemp("far") / "lake"))
    task = VideoTask("far", ("memory://far/film.mp4",), 10, 0)
    keys = {"revision": REVISION, "shard": "01", "text": TEXT, "vision": VISION, "coordinated": COORDINATED}
    lake.stage("01", "far", video_tables(task, video("far", "A film far away"), Origin(committed_at=NOON, **keys)))
    lake.commit("01", REVISION)
    never = threading.Event()
    monkeypatch.setattr(fsspec.filesystem("memory").__class__, "info", lambda *_, **__: never.wait())
    monkeypatch.setattr("flows.web.video_pages._PAGE_WAITS_S", 0.05)
    answer = TestClient(make_app(lake, Searcher(lake)), base_url="http://localhost").get("/v/far")
    never.set()
    assert "film.mp4 did not answer within 0.05 s" in answer.text
    assert "Sentence 0" in answer.text
