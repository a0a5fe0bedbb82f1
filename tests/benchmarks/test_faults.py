"""A few rounds of `benchmarks/faults.py`: killed writers and failed requests leave the lake as it must be."""

import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.faults import Rows, Trial, differences, undisturbed
from tests.s3 import FaultProxy, S3Server


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return undisturbed(tmp_path_factory.mktemp("faults") / "undisturbed")


@pytest.mark.slow
@pytest.mark.parametrize("store", ["disk", "s3"])
def test_nothing_is_lost_doubled_or_half_visible_when_writers_are_killed_and_requests_fail(
    tmp_path: Path, faulty_bucket: tuple[str, FaultProxy], s3_server: S3Server, expected: Rows, store: str
) -> None:
    trial = Trial(store, tmp_path, random.Random(store), expected=expected, server=s3_server, proxy=faulty_bucket[1])
    for _ in range(3):
        trial.round()
    assert trial.counts.problems == []
    assert trial.counts.kills + trial.counts.store_errors + trial.counts.pauses > 0


def test_the_oracle_sees_what_is_lost_doubled_and_half_visible() -> None:
    expected = {
        "videos": Counter(["v00", "v01"]),
        "frames v00": Counter("aab"),
        "frames v01": Counter("c"),
    }
    assert list(differences(expected, expected, ["v00", "v01"])) == []
    assert list(differences({"videos": Counter()}, expected, [])) == []
    for found, promised, kinds in (
        (expected, ["v02"], ["lost"]),
        (expected | {"videos": Counter(["v00", "v01", "v01"])}, [], ["doubled"]),
        (expected | {"frames v00": Counter("aaab")}, [], ["doubled"]),
        (expected | {"frames v00": Counter("ab")}, [], ["half_visible"]),
        (expected | {"frames v01": Counter("d")}, [], ["half_visible", "half_visible"]),
        (expected | {"videos": Counter(["v00"])}, ["v01"], ["lost"]),
    ):
        assert [kind for kind, _ in differences(found, expected, promised)] == kinds
