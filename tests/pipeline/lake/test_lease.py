"""The writer lease on a real object store, through s3fs and through Arrow's own client."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pipeline.lake import Lake, lease
from pipeline.lake.layout import LEASES
from pipeline.lake.store import Store
from pipeline.remote import requests
from schemas.errors import LakeError, LostLeaseError
from tests.pipeline.lake.lakes import REVISION, contents, stage
from tests.s3 import Fault, FaultProxy, Request, first

BEAT_S, EXPIRY_S = 0.2, 1.0


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_S", BEAT_S)  # a busy machine may skip many, so leases last as long as ever
    monkeypatch.setattr(lease, "_POLL_S", 0.05)


@pytest.fixture
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Writers that are paused or killed give no sign of life, and their leases expire soon."""
    monkeypatch.setattr(lease, "EXPIRY_S", EXPIRY_S)
    monkeypatch.setattr(lease._Lease, "keep", lambda self, stop: None)
    return


def test_a_second_writer_is_refused_and_told_who_writes(s3_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    lake = Lake.create(s3_uri)
    with lake.lock(), pytest.raises(LakeError, match=r"is being written by process \d+ on .* since 20.*wait until"):
        Lake(s3_uri).compact()
    caplog.clear()
    Lake(s3_uri).compact()
    assert caplog.text == ""  # what was released needs no waiting


def test_the_lease_of_a_killed_writer_is_free_after_it_expires(s3_uri: str, no_heartbeat: None) -> None:
    store = Lake.create(s3_uri)._store
    lease._acquire(store)
    started, told = time.monotonic(), list[str]()
    with lease.hold_lease(store, waiting=told.append):
        assert re.search(r"is held by process \d+ on .* Waiting up to 1 s", *told)
        assert EXPIRY_S < time.monotonic() - started < 60 * EXPIRY_S
        assert len(store.names(LEASES)) == 1


def test_a_writer_that_lost_its_lease_stops_before_it_commits(s3_uri: str, no_heartbeat: None) -> None:
    paused, other = Lake.create(s3_uri), Lake(s3_uri)
    stage(paused, "5a", ["v01"])
    with paused.lock():
        with (
            other.lock(),
            pytest.raises(LostLeaseError, match=r"lost its lease .* process \d+ on .* took it over"),
        ):
            paused.commit("5a", REVISION)
        with pytest.raises(LostLeaseError), paused.lock():
            pass
        assert contents(other)["videos"] == []
        assert other.staged("5a") == {"v01"}


def test_a_writer_that_was_paused_goes_on_if_nobody_took_over(s3_uri: str, no_heartbeat: None) -> None:
    lake = Lake.create(s3_uri)
    stage(lake, "5a", ["v01"])
    with lake.lock():
        before = lake._store.read(f"{LEASES}/{lake._store.names(LEASES)[0]}")
        time.sleep(3 * BEAT_S)
        lake.commit("5a", REVISION)
        assert lake._store.read(f"{LEASES}/{lake._store.names(LEASES)[0]}") != before


def test_who_takes_a_lease_over_withdraws_if_its_holder_was_alive_after_all(
    s3_uri: str, no_heartbeat: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Lake.create(s3_uri)._store
    old = lease._acquire(store)
    claim, wakes = lease._claim, [old.renew]

    def late(store: Store, number: int) -> object:
        claimed = claim(store, number)
        while wakes:
            wakes.pop()()
        return claimed

    with monkeypatch.context() as patch:
        patch.setattr(lease, "_claim", late)
        patch.setattr(lease, "_ATTEMPTS", 1)
        with pytest.raises(LakeError, match="is being written"), lease.hold_lease(store):
            pass
    old.check()


def test_a_number_that_was_withdrawn_and_taken_again_counts(s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Lake.create(s3_uri)._store
    withdrawn, watch = lease._acquire(store), lease._watch
    taken: list[lease._Lease] = []

    def look(store: Store, name: str, waiting: object) -> bytes | None:
        """See a lease that is withdrawn meanwhile, and whose number another writer takes."""
        store.remove(withdrawn.path)
        with monkeypatch.context() as patch:
            patch.setattr(lease, "_watch", watch)
            taken.append(lease._acquire(store))
        return None

    monkeypatch.setattr(lease, "_ATTEMPTS", 1)
    monkeypatch.setattr(lease, "_watch", look)
    with pytest.raises(LakeError, match="is being written"):
        lease._acquire(store)
    taken[0].check()


def test_a_lease_below_one_that_was_withdrawn_counts(s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Lake.create(s3_uri)._store
    held, watch = lease._acquire(store), lease._watch
    higher = f"{LEASES}/{lease._number(held.name) + 1:010}.json"
    store.write(higher, b"{}")

    def look(store: Store, name: str, waiting: object) -> bytes | None:
        store.remove(higher)
        return watch(store, name, print)

    monkeypatch.setattr(lease, "_ATTEMPTS", 1)
    monkeypatch.setattr(lease, "_watch", look)
    with pytest.raises(LakeError, match="is being written"):
        lease._acquire(store)
    held.check()


def test_of_writers_that_start_together_one_at_most_gets_the_lease(s3_uri: str) -> None:
    Lake.create(s3_uri)
    holding, most, refused = [0], [0], [0]
    lock, start, all_refused = threading.Lock(), threading.Barrier(4), threading.Event()

    def write() -> None:
        store = Store(s3_uri)
        start.wait()
        try:
            with lease.hold_lease(store) as still_held:
                with lock:
                    holding[0] += 1
                    most[0] = max(most[0], holding[0])
                still_held()
                assert all_refused.wait(60)
                still_held()
                with lock:
                    holding[0] -= 1
        except LakeError:
            with lock:
                refused[0] += 1
                if refused[0] == 3:
                    all_refused.set()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (holding[0], most[0]) == (0, 1)
    assert refused[0] == 3


@pytest.mark.parametrize("fault", [Fault.LOST_RESPONSE, Fault.SLOW_DOWN, Fault.INTERNAL_ERROR])
def test_a_conditional_put_that_fails_or_loses_its_response_is_taken_for_what_it_is(
    faulty_bucket: tuple[str, FaultProxy], fault: Fault
) -> None:
    bucket, proxy = faulty_bucket
    store = Store(f"{bucket}/lake")
    with proxy.failing(first(1, fault, lambda request: request.conditional)), lease.hold_lease(store) as still_held:
        still_held()
    assert proxy.faults[fault] == 1


def test_a_store_that_ignores_conditions_is_refused_unless_the_setting_accepts_it(
    faulty_bucket: tuple[str, FaultProxy],
) -> None:
    bucket, proxy = faulty_bucket
    lake = Lake.create(f"{bucket}/lake")
    with proxy.failing(lambda request: Fault.IGNORED_CONDITION if request.conditional else None):
        with pytest.raises(LakeError, match=r"cannot refuse a second writer.*lake\.single_writer = true"):
            lake.compact()
        with lake.lock(single_writer=True):
            lake.compact()


def test_a_second_lake_in_the_same_bucket_has_its_own_lease(s3_uri: str) -> None:
    with ExitStack() as stack:
        for name in ("one", "two"):
            stack.enter_context(Lake.create(f"{s3_uri}/{name}").lock())


def test_a_heartbeat_that_comes_late_does_not_take_back_what_was_released(
    faulty_bucket: tuple[str, FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, proxy = faulty_bucket
    monkeypatch.setattr(lease, "HEARTBEAT_S", 0.02)
    lake, caught, go_on = Lake.create(f"{bucket}/lake"), threading.Event(), threading.Event()

    def slow(request: Request) -> None:
        if request.verb == "PUT" and not request.conditional and not caught.is_set():
            caught.set()
            go_on.wait(60)

    with proxy.failing(slow):
        with lake.lock():
            assert caught.wait(60), "a heartbeat is on its way"
            threading.Timer(0.3, go_on.set).start()  # the writer waits for it in vain before it releases the lease
        with Lake(lake.uri).lock(waiting=pytest.fail):
            pass  # at once, not when the lease has expired


def test_a_heartbeat_after_the_release_changes_nothing(s3_uri: str, no_heartbeat: None) -> None:
    held = lease._acquire(Lake.create(s3_uri)._store)
    held.release()
    held.renew()
    assert lease._is_released(held._store.read(held.path))


def test_a_run_outlasts_an_outage_of_its_store_and_a_command_does_not(
    faulty_bucket: tuple[str, FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, proxy = faulty_bucket
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # botocore would try each of s3fs's attempts again, for a minute in all
    lake = Lake.create(f"{bucket}/lake")
    stage(lake, "5a", ["v01"])
    monkeypatch.setattr(requests, "PATIENCE_S", 0.01)
    with lake.lock():
        with (
            proxy.failing(lambda request: Fault.SLOW_DOWN),
            pytest.raises(LakeError, match=r"[Cc]heck the credentials"),
        ):
            lake.commit("5a", REVISION)
        # The client itself tries again for about two seconds.
        until_s = time.monotonic() + 5
        with proxy.failing(lambda request: Fault.SLOW_DOWN if time.monotonic() < until_s else None), lake.patiently():
            assert lake.commit("5a", REVISION) == 1
        assert lake._store.patience_s is None
