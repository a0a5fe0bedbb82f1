"""A few rounds of `benchmarks/faults.py`: killed writers and failed requests leave the lake as it must be."""

import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.faults import Expected, Trial, differences, forgotten_rows, lost_changes, undisturbed
from tests.s3 import FaultProxy, S3Server

_ROUNDS = 3


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    return undisturbed(tmp_path_factory.mktemp("faults") / "undisturbed", _ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["disk", "s3"])
def test_nothing_is_lost_doubled_or_half_visible_when_writers_are_killed_and_requests_fail(
    tmp_path: Path, faulty_bucket: tuple[str, FaultProxy], s3_server: S3Server, expected: Expected, store: str
) -> None:
    trial = Trial(store, tmp_path, random.Random(store), expected=expected, server=s3_server, proxy=faulty_bucket[1])
    for _ in range(_ROUNDS):
        trial.round()
    assert trial.counts.problems == []
    assert trial.counts.kills + trial.counts.store_errors + trial.counts.pauses > 0


def test_the_oracle_sees_what_is_lost_doubled_half_visible_and_half_forgotten() -> None:
    first = {"frames v00": Counter("aab"), "videos v00": Counter("x")}
    redone = {"frames v00": Counter("ccd"), "videos v00": Counter("x")}
    expected = {"v00": [first, redone], "v01": [{"frames v01": Counter("c")}]}
    both = {"videos": Counter(["v00", "v01"]), "frames v01": Counter("c")}
    for version in (first, redone):
        assert list(differences(both | version, expected, ["v00", "v01"])) == []
    assert list(differences({"videos": Counter()}, expected, [])) == []
    whole = both | first
    for found, promised, kinds in (
        (whole, ["v02"], ["lost"]),
        (whole | {"videos v00": Counter("xx")}, [], ["doubled"]),
        (whole | {"frames v00": Counter("aaab")}, [], ["doubled"]),
        (whole | {"frames v00": Counter("ab")}, [], ["half_visible"]),
        (whole | {"frames v00": Counter("aad")}, [], ["half_visible", "half_visible"]),
        (whole | {"frames v01": Counter("d")}, [], ["half_visible", "half_visible"]),
        (whole | {"videos": Counter(["v00"])}, ["v01"], ["lost"]),
    ):
        assert [kind for kind, _ in differences(found, expected, promised)] == kinds
    assert [kind for kind, _ in forgotten_rows(whole, ["v01"])] == ["half_forgotten", "half_forgotten"]
    assert list(forgotten_rows({"videos": Counter(["v00"]), "forgotten v01": Counter("a")}, ["v01"])) == []
    changed = {"summaries v00": Counter(["{'headline': 'Redone'}"]), "corrections v00": Counter(["a", "b"])}
    assert list(lost_changes(changed, redone=["v00"], corrected=["v00"])) == []
    assert [kind for kind, _ in lost_changes({}, redone=["v00"], corrected=["v00"])] == ["lost", "lost"]
    doubled = {"corrections v00": Counter(["a", "a"])}
    assert [kind for kind, _ in lost_changes(doubled, redone=[], corrected=["v00"])] == ["doubled"]
