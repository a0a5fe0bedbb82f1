"""The pool on a real Ray cluster of several nodes. Sleeping replaces the analysis; `test_execution` analyses."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from pipeline.run import Unread, digest_here
from schemas.config import Config, WorkersConfig
from schemas.errors import ConfigurationError, DeviceError, LakeError, ModelError, RunStoppedError
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from tests.workers import sleepers
from tests.workers.clusters import join, running_cluster
from workers import RunJob, actors, digest_on_workers
from workers.actors import start_actor_ahead
from workers.cluster import ray_cluster
from workers.nodes import Node
from workers.placement import WorkerSize
from workers.provision import Member
from workers.ray_pool import Item, RayPool, free_worker
from workers.ray_worker import RayWorker

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head without CPUs, a node with two, and one with two and a logical GPU."""
    with running_cluster({"num_cpus": 0}, {"num_cpus": 2}, {"num_cpus": 2, "num_gpus": 1}) as made:
        yield made


@contextmanager
def pool_on(
    cluster: Cluster,
    make_worker: Any = sleepers.sleeper,
    positions: Callable[[dict[str, float]], None] = lambda _: None,
    **settings: Any,
) -> Iterator[RayPool]:
    config = Config(workers=WorkersConfig(**settings))
    with ray_cluster(cluster.address):
        pool = RayPool(RunJob("r", "memory://lake", config), make_worker=make_worker, positions=positions)
        try:
            yield pool
        finally:
            pool.close()


def videos(count: int, ms: int = 50, name: str = "v") -> list[VideoTask]:
    return [VideoTask(f"{name}{number}", (f"/{name}{number}.mp4",), ms, 0) for number in range(count)]


def facts(outcomes: list[VideoOutcome]) -> list[dict[str, Any]]:
    return [json.loads(outcome.headline) for outcome in outcomes]


@pytest.mark.parametrize(
    ("running", "suspected", "share", "chosen"),
    [
        (["", "v"], False, True, 0),
        (["v", "", "vv"], False, True, 1),
        (["vv", "v"], False, True, 1),
        (["vv", "v"], False, False, None),
        (["vv", ""], False, False, 1),
        (["vv", "vv"], False, True, None),
        (["s", "v"], False, True, 1),
        (["s", "vv"], False, True, None),
        (["v", "v"], True, True, None),
        (["v", ""], True, True, 1),
        ([], False, True, None),
    ],
)
def test_a_video_goes_to_the_worker_with_the_least_to_do_and_a_suspected_one_shares_none(
    running: list[str], suspected: bool, share: bool, chosen: int | None
) -> None:
    """Each letter is a video of a worker; `s` is a suspected one."""

    def item(kind: str) -> Item:
        return Item(0, *videos(1), None, suspected=kind == "s")  # type: ignore[arg-type]

    size = WorkerSize(2, 0, 2, videos_at_once=2)
    members = {Member(None, size, "node"): [item(kind) for kind in each] for each in running}
    found = free_worker(item("s" if suspected else "v"), members, share=share)
    assert found == (None if chosen is None else list(members)[chosen])


def test_each_node_gets_workers_that_fit_it_and_all_shards_share_them(cluster: Cluster, tmp_path: Path) -> None:
    with pool_on(cluster) as pool:
        names = [[f"together{shard}{number}" for number in range(12)] for shard in range(2)]
        tasks = [[VideoTask(name, (str(tmp_path / name),), 50, 0) for name in each] for each in names]
        shards = [pool.submit(f"5{number}", each) for number, each in enumerate(tasks)]
        done = [outcome for shard in shards for outcome in shard.outcomes()]
    assert len(done) == 24
    workers = {
        (each["pid"], each["resources"]["CPU"], each["resources"]["GPU"], each["threads"]) for each in facts(done)
    }
    assert sorted(worker[1:] for worker in workers) == [(1.0, 0.5, 1), (1.0, 0.5, 1), (2.0, 0, 2)]


def test_a_single_video_gets_threads_for_all_cores_of_its_node_and_no_more_of_its_resources(cluster: Cluster) -> None:
    with pool_on(cluster) as pool:
        [outcome] = pool.submit("51", videos(1)).outcomes()
    assert facts([outcome])[0]["resources"] == {"CPU": 1.0, "GPU": 0.5}
    assert facts([outcome])[0]["threads"] == 2


def test_a_node_that_joins_is_used_and_one_that_is_lost_costs_its_videos_a_retry(cluster: Cluster) -> None:
    done: list[VideoOutcome] = []
    with pool_on(cluster, device="cpu", num_cpus=2) as pool:
        pool.expect(1000)
        done += pool.submit("early", videos(3, name="early")).outcomes()
        late = join(cluster, num_cpus=2)
        while late.node_id not in {each["node"] for each in facts(done)}:
            done += pool.submit("5a", videos(6, name=f"{len(done)}v")).outcomes()
        last = pool.submit("last", videos(9, 500, name="last")).outcomes()
        done.append(next(last))
        cluster.remove_node(late, allow_graceful=False)
        done += last
    assert len({outcome.video_id for outcome in done}) == len(done)
    assert sum(outcome.video_id.startswith("last") for outcome in done) == 9


def test_workers_that_fit_no_node_yet_wait_for_one_if_it_is_said_how_many_there_shall_be(cluster: Cluster) -> None:
    with pool_on(cluster, device="cpu", num_cpus=3, max_workers=1) as pool:
        batch = pool.submit("5a", videos(2))
        grown = join(cluster, num_cpus=3)
        done = list(batch.outcomes())
    cluster.remove_node(grown)
    assert {each["node"] for each in facts(done)} == {grown.node_id}


def test_a_video_that_ends_its_worker_is_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    deadly = VideoTask("deadly", (str(tmp_path / "died once"),), 1, 0)
    with pool_on(cluster, device="cpu", max_workers=1) as pool:
        outcomes = list(pool.submit("5a", [deadly, *videos(2)]).outcomes())
    assert {outcome.video_id for outcome in outcomes} == {"deadly", "v0", "v1"}


def test_a_worker_analyses_two_videos_at_once_if_it_has_two_threads(cluster: Cluster) -> None:
    pairs = videos(2, name="pair")  # each waits in the same process for the other
    with pool_on(cluster, device="cpu", num_cpus=2, max_workers=1) as pool:
        done = list(pool.submit("5a", pairs).outcomes())
    assert len({each["pid"] for each in facts(done)}) == 1


def test_a_video_has_a_worker_of_its_own_as_long_as_there_are_enough(cluster: Cluster, tmp_path: Path) -> None:
    with pool_on(cluster, device="cpu", num_cpus=2) as pool:
        done = list(pool.submit("5a", videos(2, 3000)).outcomes())
    assert len({each["pid"] for each in facts(done)}) == 2


def test_what_ends_its_worker_is_tried_again_by_itself_and_costs_no_other_video_an_attempt(
    cluster: Cluster, tmp_path: Path
) -> None:
    deaths = tmp_path / "deaths"
    killer = VideoTask("killer", (str(deaths),), 1, 0)
    with pool_on(cluster, device="cpu", num_cpus=2, max_workers=1) as pool:
        done = list(pool.submit("5a", [killer, *videos(4, 1000)]).outcomes())
    assert {outcome.video_id for outcome in done} == {"killer", "v0", "v1", "v2", "v3"}
    assert deaths.read_text().split() == ["beside", "alone", "alone", "alone"]
    alone = {outcome.video_id for outcome, each in zip(done, facts(done), strict=True) if not each["shared"]}
    assert alone == {"killer", "v0"}, "v0 ran beside the killer, and is suspected, too"


def test_what_ends_its_worker_with_no_video_beside_it_is_tried_again_by_itself_too(
    cluster: Cluster, tmp_path: Path
) -> None:
    deaths = tmp_path / "deaths"
    with pool_on(cluster, device="cpu", num_cpus=2, max_workers=1) as pool:
        list(pool.submit("5a", [VideoTask("killer", (str(deaths),), 1, 0)]).outcomes())
    assert deaths.read_text().split() == ["beside", "alone", "alone", "alone"]


def test_a_pool_takes_the_worker_that_was_started_ahead_if_it_is_what_it_needs(cluster: Cluster) -> None:
    config = Config(workers=WorkersConfig(device="cpu", num_cpus=2))
    with ray_cluster(cluster.address):
        start_actor_ahead(config, (), videos=1)
        [(ahead, _)] = actors._ahead.values()
        pid = int(ray.get(ahead.start.remote()).name.split(":")[1])
        with pool_on(cluster, device="cpu", num_cpus=2, max_workers=1) as pool:
            done = list(pool.submit("5a", videos(2)).outcomes())
        assert {each["pid"] for each in facts(done)} == {pid}
        assert not actors._ahead


def test_a_worker_that_was_started_ahead_and_does_not_fit_makes_room(cluster: Cluster) -> None:
    with ray_cluster(cluster.address):
        start_actor_ahead(Config(workers=WorkersConfig(device="cpu", num_cpus=2)), ())
        [(ahead, _)] = actors._ahead.values()
        with pool_on(cluster, device="cpu", num_cpus=1) as pool:
            assert {each["resources"]["CPU"] for each in facts(list(pool.submit("5a", videos(4)).outcomes()))} == {1.0}
        with pytest.raises(ray.exceptions.RayActorError):
            ray.get(ahead.start.remote())


def test_nothing_is_started_ahead_where_no_worker_fits(cluster: Cluster) -> None:
    with ray_cluster(cluster.address):
        start_actor_ahead(Config(workers=WorkersConfig(num_cpus=3)), ())
    assert not actors._ahead


def test_positions_of_running_videos_reach_the_pool_and_leave_nothing_in_the_cluster(
    cluster: Cluster, tmp_path: Path
) -> None:
    watched = [VideoTask(f"watched{number}", (str(tmp_path / f"{number}"),), 1, 0) for number in range(2)]
    files, seen = {task.video_id: Path(task.uris[0]) for task in watched}, dict[str, float]()

    def show(positions_s: dict[str, float]) -> None:
        seen.update(positions_s)
        if len(seen) == 2:  # of two workers, whose videos wait for this
            for name in positions_s:
                files[name].touch()

    with pool_on(cluster, positions=show) as pool:
        assert len(list(pool.submit("5a", watched).outcomes())) == 2
        assert pool._reader.read()
    assert seen == {"watched0": 1.5, "watched1": 1.5}
    with ray_cluster(cluster.address):
        assert pool._reader.read() == {}


def test_broken_gpus_never_drain_the_queue(cluster: Cluster) -> None:
    with pool_on(cluster, make_worker=sleepers.broken_on_gpus) as pool:
        outcomes = list(pool.submit("5a", videos(30)).outcomes())
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert len(outcomes) == 30


def test_a_run_whose_workers_are_all_broken_ends_with_the_reason(cluster: Cluster) -> None:
    with pool_on(cluster, make_worker=sleepers.broken_at_start, max_workers=9) as pool:
        batch = pool.submit("5a", videos(3))
        with pytest.raises(DeviceError, match="No GPU answers"):
            list(batch.outcomes())
        with pytest.raises(DeviceError, match="No GPU answers"):
            pool.wait_for_room()


def test_a_shard_that_fails_leaves_the_others_alone(cluster: Cluster) -> None:
    with pool_on(cluster, device="cpu", max_workers=1) as pool:
        fails = pool.submit(
            "5a", [*videos(1, name="a"), *videos(1, name="unwritable"), *videos(20, 5000, name="never")]
        )
        works = pool.submit("5b", videos(3, name="b"))
        seen: list[str] = []
        with pytest.raises(LakeError, match="5a cannot be written"):
            seen += (outcome.video_id for outcome in fails.outcomes())
        assert len(list(works.outcomes())) == 3


def test_nobody_analyses_what_nobody_waits_for(cluster: Cluster) -> None:
    with pool_on(cluster, device="cpu", max_workers=1) as pool, ThreadPoolExecutor(1) as executor:
        left = pool.submit("5a", [*videos(1, name="a"), *videos(1000, 500, name="left")]).outcomes()
        next(left)
        left.close()  # type: ignore[attr-defined] # as when the task of a shard fails
        assert len(executor.submit(list, pool.submit("5b", videos(3)).outcomes()).result(timeout=300)) == 3


def test_closing_the_pool_ends_what_is_in_flight(cluster: Cluster) -> None:
    with pool_on(cluster, device="cpu", max_workers=1) as pool, ThreadPoolExecutor(1) as executor:
        batch = pool.submit("5a", videos(2, 1_000_000))
        waiting = executor.submit(list, batch.outcomes())
        pool.close()
        with pytest.raises(RunStoppedError):
            waiting.result()
        # A shard whose retry begins only now, and the next shard, must not wait for ever.
        retry = executor.submit(list, pool.submit("5a", videos(2)).outcomes())
        with pytest.raises(RunStoppedError):
            retry.result(timeout=300)
        with pytest.raises(RunStoppedError):
            executor.submit(pool.wait_for_room).result(timeout=300)


def test_a_cluster_that_cannot_be_looked_at_ends_the_run(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> dict[str, Node]:
        raise RuntimeError("the head is gone")

    with pool_on(cluster, device="cpu") as pool, ThreadPoolExecutor(1) as executor:
        monkeypatch.setattr("workers.provision.alive_nodes", lost)
        batch = pool.submit("5a", videos(2, 1_000_000))
        with pytest.raises(RuntimeError, match="the head is gone"):
            executor.submit(list, batch.outcomes()).result(timeout=300)


def test_a_run_waits_only_so_long_for_room_that_others_use(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.provision._MAX_WAIT_S", 1.0)
    with ray_cluster(cluster.address), ThreadPoolExecutor(1) as executor:
        others = [ray.remote(num_cpus=2)(RayWorker).remote() for _ in range(2)]
        ray.get([other.start.remote() for other in others])
        with pool_on(cluster) as pool:
            waiting = executor.submit(list, pool.submit("5b", videos(1)).outcomes())
            with pytest.raises(ConfigurationError, match="no room for a worker"):
                waiting.result(timeout=300)
        for other in others:
            ray.kill(other)


def test_no_node_fits(cluster: Cluster) -> None:
    with (
        pytest.raises(ConfigurationError, match="the largest node of the cluster has 2 and 1"),
        pool_on(cluster, num_cpus=3),
    ):
        pass


def test_another_version_of_videolake_is_refused(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.provision.installed_version", lambda: "99")
    with (
        pool_on(cluster, device="cpu", max_workers=1) as pool,
        pytest.raises(ModelError, match=r"but 99 where the run was planned"),
    ):
        list(pool.submit("5a", videos(1)).outcomes())


def test_files_are_digested_on_the_nodes_while_workers_hold_all_cpus(cluster: Cluster, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.mp4" for number in range(4)]
    for file in files[1:]:
        file.write_bytes(file.name.encode())
    unread = [Unread(str(file), 5, "full") for file in files]
    chunks = [unread[:2], [], unread[2:]]
    with pool_on(cluster) as pool:
        batch = pool.submit("s", videos(4, ms=500))
        with digest_on_workers(WorkersConfig(ray_address=cluster.address)) as digest_chunks:
            assert digest_chunks is not digest_here
            assert list(digest_chunks(chunks)) == list(digest_here(chunks))
        assert len(list(batch.outcomes())) == 4
