"""A run that is killed for real, at random moments, and what readers see meanwhile."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import Lake
from schemas.errors import LakeError
from tests.nightly import NIGHTLY, nightly
from tests.pipeline.lake.lakes import publish, redo, run, seen

VIDEOS = [f"v{number:02}" for number in range(12)]
_PROGRAM = """
import sys
from pipeline.lake import Lake
from schemas.errors import LakeError
from tests.pipeline.lake.lakes import run
lake = Lake(sys.argv[1])
print(flush=True)
run(lake, sys.argv[2:], compact=True)
"""
_ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, nightly(1)])
def test_runs_killed_at_random_moments_leave_the_lake_of_an_undisturbed_run(tmp_path: Path, seed: int) -> None:
    undisturbed, killed = (Lake.create(str(tmp_path / name)) for name in ("undisturbed", "killed"))
    run(undisturbed, VIDEOS, compact=True)
    expected = seen(undisturbed)
    chance = random.Random(seed)
    for _ in range(3 if NIGHTLY else 2):
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, killed.uri, *VIDEOS], stdout=subprocess.PIPE, cwd=_ROOT
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"\n"
            try:
                process.wait(timeout=chance.uniform(0, 0.6))
            except subprocess.TimeoutExpired:
                process.kill()
        for table, rows in seen(killed).items():
            assert all(row in expected[table] for row in rows)
    run(killed, VIDEOS, compact=True)
    assert seen(killed) == expected


@pytest.mark.slow
def test_readers_see_whole_videos_once_while_shards_are_committed_and_compacted(any_lake: Lake) -> None:
    done = threading.Event()
    found: list[tuple[int, ...]] = []
    problems: list[LakeError] = []
    remote = any_lake.uri.startswith("s3:")
    pause_s = 0.8 if remote else 0.2  # the writer needs the store, too
    commits = 6 if NIGHTLY or not remote else 4  # one compaction between commits instead of two

    def read() -> None:
        query = (
            "SELECT count(*) AS videos, count(DISTINCT video_id) AS distinct_videos, sum(frames) AS promised, "
            "(SELECT count(*) FROM frames) AS frames, "
            "(SELECT count(DISTINCT frame_id) FROM frames) AS distinct_frames, "
            "(SELECT count(*) FROM summaries) AS summaries FROM videos"
        )
        try:
            while not done.wait(pause_s):
                [row] = any_lake.sql(query).to_pylist()
                found.append(tuple(value or 0 for value in row.values()))
        except LakeError as problem:
            problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(commits):
            publish(any_lake, f"5{number}", [f"v{number % 3:02}", f"w{number:02}"], minutes=number)
            if number % 3 == 2:
                any_lake.compact()
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert problems == []
    assert found
    for videos, distinct_videos, promised, frames, distinct_frames, summaries in found:
        assert videos == distinct_videos == summaries
        assert promised == frames == distinct_frames


@pytest.mark.slow
def test_a_partial_redo_that_is_killed_at_any_change_loses_nothing_and_the_next_one_completes_it(
    tmp_path: Path, kill_after: Callable[[Callable[[], object], int], bool]
) -> None:
    def unchanged(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        tables = ("shots", "frames", "utterances", "scenes", "errors")
        return {
            table: [{name: value for name, value in row.items() if name != "revision"} for row in found[table]]
            for table in tables
        }

    lake = Lake.create(str(tmp_path / "lake"))
    videos = ["v00", "v01", "v03"]
    run(lake, videos)
    before = unchanged(seen(lake))
    changes, kills, killed = 1, 0, True
    while killed:
        # Headline and revision of its own, so that each round has as much to redo as the first.
        again = partial(
            redo, lake, videos, f"attempt {changes}", revision=f"{changes:016x}", minutes=changes, compact=True
        )
        killed = kill_after(again, changes)
        kills += killed
        found = seen(lake)
        assert unchanged(found) == before
        assert len(found["summaries"]) == 2, "one of the videos has failed"
        again()
        assert set(lake.sql("SELECT headline FROM summaries")["headline"].to_pylist()) == {f"attempt {changes}"}
        changes += 11 if NIGHTLY else 22
    assert kills >= 3
