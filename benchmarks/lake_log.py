"""Measure what the lake's log costs: requests to publish a video and to open a lake, and the time of both.

    python -m benchmarks.lake_log                 # 15,000 shards: about 20 minutes of one core
    python -m benchmarks.lake_log --shards 1000

The object store is a moto server, so requests are real and their latency is not. The lake that is opened there was made
in a local folder, commit by commit, and then copied: both have the same layout. Its clock advances by an hour for
every `--an-hour` shards, because the log removes what has been replaced for an hour. Each shard holds one video.
Prints a table, and writes `benchmarks/results/lake_log.json`.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from benchmarks.synthetic_lake import COORDINATED, REVISION, TEXT, VISION
from pipeline.lake import Lake, Origin, cleaning, failure_tables, log
from schemas.records import Failure, VideoTask
from tests.s3 import FaultProxy, S3Server, environment

_RESULTS = Path(__file__).parent / "results" / "lake_log.json"
_VIDEOS = 64
"""Videos of the shard that is published on the object store: the default of `shards.max_videos`."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=15_000, help="shards of the lake that is opened")
    parser.add_argument(
        "--an-hour", type=int, default=750, help="shards committed in an hour: 800 workers, 1 min/video"
    )
    parser.add_argument("--folder", type=Path, help="make the lake in this folder, and go on with one that is there")
    chosen = parser.parse_args()
    shards = chosen.shards
    with (
        S3Server() as server,
        FaultProxy(server.host, server.port) as proxy,
        TemporaryDirectory() as temporary,
    ):
        os.environ.update(environment(proxy.endpoint))
        server.create_bucket("bucket")
        folder = chosen.folder or Path(temporary, "lake")
        figures = _publishing(proxy) | _opening(proxy, folder, shards, 3600 / chosen.an_hour)
    for name, value in figures.items():
        print(f"{name:40} {value:10,.3f}")
    _RESULTS.parent.mkdir(exist_ok=True)
    _RESULTS.write_text(json.dumps(figures, indent=1) + "\n")


def _publishing(proxy: FaultProxy) -> dict[str, float]:
    lake = Lake.create("s3://bucket/published")
    _publish(lake, "first", ["v"])
    videos = [f"v{number:02}" for number in range(_VIDEOS)]
    proxy.requests.clear()
    lake.staged("shard")
    for video in videos:
        lake.begin_attempt("shard", video, "node")
    _publish(lake, "shard", videos)
    return {"requests_to_publish_a_video": proxy.requests.total() / _VIDEOS}


def _opening(proxy: FaultProxy, folder: Path, shards: int, shard_s: float) -> dict[str, float]:
    import s3fs

    lake = Lake.create(str(folder))
    made = lake.sql("FROM videos").num_rows
    clock = _Clock(time.time() + made * shard_s)
    with patch.object(log, "time", clock), patch.object(cleaning, "time", clock):
        for number in range(made, shards):
            clock.now_s += shard_s
            _publish(lake, f"s{number:05}", [f"v{number:05}"], number)
            if number % 500 == 499:
                print(f"{number + 1} shards, {time.process_time():.0f} s of CPU", file=sys.stderr)
    started = time.perf_counter()
    assert Lake(lake.uri).sql("FROM videos").num_rows == shards
    open_s = time.perf_counter() - started
    s3fs.S3FileSystem().put(f"{folder}/", "bucket/opened/", recursive=True)
    proxy.requests.clear()
    assert Lake("s3://bucket/opened").sql("FROM videos").num_rows == shards
    return {
        f"requests_to_open_{shards}_shards": proxy.requests.total(),
        f"open_{shards}_shards_on_disk_s": open_s,
        "entries": len(list((folder / "_log").glob("*.json"))),
        "version": int(lake.state),
    }


@dataclass
class _Clock:
    """Stands in for the module `time`, where the lake decides what is old."""

    now_s: float

    def time(self) -> float:
        return self.now_s


def _publish(lake: Lake, shard: str, videos: list[str], number: int = 0) -> None:
    for video in videos:
        lake.stage(shard, video, _rows(shard, video, number))
    lake.commit(shard, REVISION, videos)


def _rows(shard: str, video: str, number: int) -> dict[str, pa.Table]:
    """Return the rows of a video whose analysis failed. Only its id, shard, location and time differ from another's."""
    location, when = f"/archive/{video}.mp4", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    own = {"video_id": video, "shard": shard, "uri": location, "uris": [location], "committed_at": when}
    return {table: _with(rows, own) if rows.num_rows else rows for table, rows in _failed().items()}


@cache
def _failed() -> dict[str, pa.Table]:
    about: dict[str, Any] = {"revision": REVISION, "shard": "s", "text": TEXT, "vision": VISION}
    origin = Origin(coordinated=COORDINATED, committed_at=datetime(2026, 1, 1, tzinfo=UTC), **about)
    failure = Failure("decode", "corrupt", "It is broken.", "", 1)
    return failure_tables(VideoTask("v", ("/archive/v.mp4",), 1000, 0), failure, None, origin)


def _with(rows: pa.Table, values: dict[str, Any]) -> pa.Table:
    columns = [
        pa.array([values[field.name]], field.type) if field.name in values else rows.column(field.name)
        for field in rows.schema
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)


if __name__ == "__main__":
    main()
