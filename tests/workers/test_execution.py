"""Shards on a real Ray cluster of several nodes."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from pipeline.lake import Lake
from pipeline.run.discovery import discover
from pipeline.run.revision import models_of
from schemas.config import ArchiveConfig, Config, OcrConfig, ShotsConfig, SpeakersConfig, SpeechConfig, WorkersConfig
from schemas.errors import ConfigurationError, ModelError
from schemas.records import VideoTask
from tests.workers.archives import contents, make_archive
from workers import ShardJob, choose_placement, run_shard
from workers.cluster import ray_cluster

pytestmark = [pytest.mark.cluster, pytest.mark.models]
REVISION = "d" * 16
# The films are silent and wordless: fewer models make each worker start sooner.
CONFIG = Config(speech=SpeechConfig(engine="none"), ocr=OcrConfig(engine="none"), shots=ShotsConfig(detector="content"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100_000_000})
    made.add_node(num_cpus=1, object_store_memory=100_000_000)
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_archive(tmp_path_factory.mktemp("archive"), films=8)


@pytest.fixture(scope="module")
def undisturbed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("inline") / "lake"))
    tasks = discover([str(archive)], lake, ArchiveConfig()).tasks
    outcomes = list(run_shard(ShardJob("5a", REVISION, lake.uri, CONFIG), tasks, None))
    assert [outcome.status for outcome in outcomes] == ["ok"] * 8
    assert [outcome.load_s > 0 for outcome in outcomes] == [True] + [False] * 7, "models are loaded once"
    lake.commit("5a", REVISION)
    return lake


def tasks_of(archive: Path, lake: Lake) -> tuple[VideoTask, ...]:
    return discover([str(archive)], lake, ArchiveConfig()).tasks


def test_two_nodes_give_what_one_process_gives(
    cluster: Cluster, archive: Path, undisturbed: Lake, tmp_path: Path
) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    seen: set[str] = set()
    with ray_cluster(cluster.address) as resources:
        placement = choose_placement(WorkersConfig(), resources)
        assert placement.max_workers == 2
        job = ShardJob("5a", REVISION, lake.uri, CONFIG)
        outcomes = list(run_shard(job, tasks_of(archive, lake), placement, positions=seen.update))
    lake.commit("5a", REVISION)
    assert len({outcome.worker for outcome in outcomes}) == 2, "both nodes worked"
    assert sum(outcome.load_s > 0 for outcome in outcomes) == 2, "models are loaded once a worker"
    assert contents(lake) == contents(undisturbed)


def test_a_worker_that_is_killed_costs_a_retry_and_nothing_else(
    cluster: Cluster, archive: Path, undisturbed: Lake, tmp_path: Path
) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    killed = False
    with ray_cluster(cluster.address) as resources:
        job = ShardJob("5a", REVISION, lake.uri, CONFIG)
        outcomes = []
        for outcome in run_shard(job, tasks_of(archive, lake), choose_placement(WorkersConfig(), resources)):
            outcomes.append(outcome)
            if not killed:
                os.kill(int(outcome.worker.split(":")[1]), signal.SIGKILL)
                killed = True
    lake.commit("5a", REVISION)
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert contents(lake) == contents(undisturbed)


def test_a_node_that_dies_costs_a_retry_and_nothing_else(
    cluster: Cluster, archive: Path, undisturbed: Lake, tmp_path: Path
) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    cluster.wait_for_nodes()
    with ray_cluster(cluster.address) as resources:
        assert resources["CPU"] == 3
        job = ShardJob("5a", REVISION, lake.uri, CONFIG)
        for number, _ in enumerate(
            run_shard(job, tasks_of(archive, lake), choose_placement(WorkersConfig(), resources))
        ):
            if number == 0:
                cluster.remove_node(node, allow_graceful=False)
    lake.commit("5a", REVISION)
    assert contents(lake) == contents(undisturbed)


def test_a_worker_without_the_planned_models_ends_the_run_with_a_message_that_names_them(
    cluster: Cluster, archive: Path, tmp_path: Path
) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    tasks = tasks_of(archive, lake)[:1]
    missing = Config(speakers=SpeakersConfig(model=str(tmp_path / "nowhere")))
    other = tuple(replace(model, digest="0" * 16) for model in models_of(CONFIG) if model.role == "text")
    with ray_cluster(cluster.address) as resources:
        placement = choose_placement(WorkersConfig(max_workers=1), resources)
        with pytest.raises(ModelError, match=r"^speakers\.model: there is no folder .* \(On the machine"):
            list(run_shard(ShardJob("5a", REVISION, lake.uri, missing), tasks, placement))
        with pytest.raises(ModelError, match=r"^text: embedded:minilm has the digest .* Install the same versions"):
            list(run_shard(ShardJob("5a", REVISION, lake.uri, CONFIG, other), tasks, placement))


def test_videos_staged_by_an_earlier_attempt_are_skipped(archive: Path, undisturbed: Lake, tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    tasks = tasks_of(archive, lake)
    job = ShardJob("5a", REVISION, lake.uri, CONFIG)
    assert len(list(run_shard(job, tasks[:5], None))) == 5
    again = [outcome.video_id for outcome in run_shard(job, tasks, None)]
    assert again == [task.video_id for task in tasks[5:]]
    lake.commit("5a", REVISION)
    assert contents(lake) == contents(undisturbed)


def test_an_unreachable_cluster_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="ray start --head"), ray_cluster("127.0.0.1:1"):
        pass
