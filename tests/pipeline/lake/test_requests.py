"""How many requests an object store gets, and a commit whose requests fail; with a real S3 server."""

from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.lake.query import connect
from tests.pipeline.lake.conftest import copied
from tests.pipeline.lake.lakes import REVISION, publish, stage
from tests.s3 import Fault, FaultProxy, Request

pytestmark = pytest.mark.slow
VIDEOS = [f"v{number:02}" for number in range(32)]
"""Half of a shard of the default size. Each table of a shard takes a request, too."""


def test_publishing_a_video_takes_at_most_four_requests(faulty_bucket: tuple[str, FaultProxy]) -> None:
    bucket, proxy = faulty_bucket
    lake = Lake.create(f"{bucket}/lake")
    publish(lake, "01", ["v99"])
    proxy.requests.clear()
    lake.staged("5a")
    for video in VIDEOS:
        lake.begin_attempt("5a", video, "node")
    stage(lake, "5a", VIDEOS)
    assert lake.commit("5a", REVISION, VIDEOS) == len(VIDEOS)
    assert proxy.requests.total() <= 4 * len(VIDEOS), proxy.requests


def test_opening_takes_few_requests_however_many_commits(tmp_path: Path, faulty_bucket: tuple[str, FaultProxy]) -> None:
    bucket, proxy = faulty_bucket
    made = Lake.create(str(tmp_path / "lake"))
    for number in range(12):
        publish(made, f"{number:02}", [f"v{number:02}"], failed=[f"v{number:02}"])
    lake = copied(made, f"{bucket}/lake")
    proxy.requests.clear()
    assert Lake(lake.uri).sql("FROM videos").num_rows == 12
    # The marker twice, the log, a snapshot and 9 entries at most; then each table, and each file of `videos`.
    assert proxy.requests.total() <= 2 + 1 + 10 + 8 + 3, proxy.requests
    proxy.requests.clear()
    assert lake.state == Lake(lake.uri).state
    assert proxy.requests.total() <= 5, proxy.requests


def test_what_a_connection_keeps_of_files_is_bounded(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.lake.files._KEPT_BYTES", 60_000)
    lake = Lake.create(f"{s3_bucket}/lake")
    for number in range(4):
        publish(lake, f"{number:02}", [f"v{number:02}"])
    connection, files = connect(lake._log)
    with connection:
        for table in ("videos", "frames", "utterances", "videos"):
            assert connection.sql(f"SELECT count(DISTINCT video_id) FROM {table}").fetchall() == [(4,)]
            assert 0 < sum(map(len, files._small.values())) <= 60_000


@pytest.mark.parametrize("fault", [Fault.LOST_RESPONSE, Fault.LOST_REQUEST, Fault.SLOW_DOWN])
def test_an_entry_whose_request_fails_is_written_once(faulty_bucket: tuple[str, FaultProxy], fault: Fault) -> None:
    bucket, proxy = faulty_bucket
    lake = Lake.create(f"{bucket}/lake")
    stage(lake, "5a", ["v01"], failed=["v01"])
    left = [fault]

    def once(request: Request) -> Fault | None:
        return left.pop() if left and request.verb == "PUT" and "/_log/" in request.key else None

    with proxy.failing(once):
        assert lake.commit("5a", REVISION, ["v01"]) == 1
    assert proxy.faults == {fault: 1}
    assert lake.sql("FROM all_videos").num_rows == 1
    assert lake._store.names("_log") == ["00000000000000000001.json"]
