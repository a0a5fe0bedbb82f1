"""What a reader takes while a compaction goes on, for every way in which their steps may alternate."""

import json
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lake.snapshot import take_snapshot
from pipeline.lake.store import Store
from schemas.tables import TABLE_NAMES

Step = Callable[[], object]


class Alternating:
    """A store in memory that does some of a writer's steps before it answers a reader."""

    def __init__(self, paths: set[str], waits: list[int]) -> None:
        self.contents = dict.fromkeys(paths, b"")
        self.steps: list[Step] = []
        self._waits = waits
        """For each step of the writer, how many answers the reader gets before it."""
        self.uri = "memory"

    def names(self, folder: str) -> list[str]:
        """List a folder; a name that appears or goes while it is listed may be seen or not."""
        candidates = sorted(path for path in self.contents if path.startswith(f"{folder}/"))
        self._let_the_writer_work()
        return [path.removeprefix(f"{folder}/") for path in candidates if path in self.contents]

    def read(self, path: str) -> bytes:
        """Read a file."""
        self._let_the_writer_work()
        if path not in self.contents:
            raise FileNotFoundError(path)
        return self.contents[path]

    def _let_the_writer_work(self) -> None:
        while self.steps and self._waits and self._waits[0] == 0:
            self._waits.pop(0)
            self.steps.pop(0)()
        if self._waits:
            self._waits[0] -= 1

    def write_compaction(self, identifier: str, table: str, bins: list[list[str]]) -> None:
        """Plan what `compaction.compact` does, step by step."""
        files = [
            {"table": table, "by": f"11111111-compact-{identifier}-{number}.parquet", "replaced": replaced}
            for number, replaced in enumerate(bins)
        ]
        note = f"_compactions/{identifier}.json"
        self.steps.append(lambda: self.contents.update({note: json.dumps({"files": files}).encode()}))
        for each in files:
            self.steps.append(lambda each=each: self.contents.update({f"{table}/{each['by']}": b""}))
            self.steps += [
                lambda name=name: self.contents.pop(f"{table}/{name}") for name in cast("list[str]", each["replaced"])
            ]
        self.steps.append(lambda: self.contents.pop(note))


def shard(number: int) -> str:
    return f"11111111-{number}.parquet"


LISTING = len(TABLE_NAMES)
waits = st.one_of(st.just(0), st.integers(0, 3), st.integers(LISTING - 1, LISTING + 2))


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(st.sampled_from(["videos", "frames", "sources"]), st.integers(0, 4 * LISTING), st.lists(waits, min_size=12))
def test_every_row_is_read_once_whatever_the_interleaving_with_compaction(
    table: str, first_wait: int, other_waits: list[int]
) -> None:
    store = Alternating({f"{table}/{shard(number)}" for number in range(6)}, [first_wait, *other_waits])
    store.write_compaction("a", table, [[shard(0), shard(1)], [shard(2), shard(3)]])
    store.write_compaction("b", table, [["11111111-compact-a-0.parquet", shard(4)]])
    holds = {shard(number): {number} for number in range(6)} | {
        "11111111-compact-a-0.parquet": {0, 1},
        "11111111-compact-a-1.parquet": {2, 3},
        "11111111-compact-b-0.parquet": {0, 1, 4},
    }
    taken = take_snapshot(cast("Store", store))[table]
    assert sorted(row for name in taken for row in holds[name]) == list(range(6))
