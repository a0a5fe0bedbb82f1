"""Shards analysed with real models, in this process and on a real Ray cluster of several nodes."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from pipeline.lake import Lake
from pipeline.run.discovery import discover
from pipeline.run.revision import models_of, revision_of
from schemas.config import (
    ArchiveConfig,
    Config,
    ObjectsConfig,
    OcrConfig,
    ShotsConfig,
    SpeechConfig,
    TextConfig,
    WorkersConfig,
)
from schemas.errors import ModelError
from schemas.records import VideoTask
from tests.workers.archives import contents, make_archive
from tests.workers.clusters import join, running_cluster
from workers import InlinePool, RunJob, open_pool

pytestmark = [pytest.mark.cluster, pytest.mark.models]


def light(address: str | None = None, num_gpus: float | None = None) -> Config:
    """Return a configuration with few models, so that each worker starts sooner: the films are silent and wordless."""
    return Config(
        speech=SpeechConfig(engine="none"),
        ocr=OcrConfig(engine="none"),
        shots=ShotsConfig(detector="content"),
        objects=ObjectsConfig(model="none"),
        workers=WorkersConfig(ray_address=address, num_gpus=num_gpus),
    )


CONFIG = light()
MODELS = models_of(CONFIG)
REVISION = revision_of(CONFIG, MODELS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A node with a CPU, and one that also has a logical GPU."""
    with running_cluster({"num_cpus": 1}, {"num_cpus": 1, "num_gpus": 1}, agents=True) as made:
        yield made


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_archive(tmp_path_factory.mktemp("archive"), films=8)


@pytest.fixture(scope="module")
def undisturbed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("inline") / "lake"))
    outcomes = list(InlinePool(RunJob(REVISION, lake.uri, CONFIG)).submit("5a", tasks_of(archive, lake)).outcomes())
    assert [outcome.status for outcome in outcomes] == ["ok"] * 8
    assert [outcome.load_s > 0 for outcome in outcomes] == [True] + [False] * 7, "models are loaded once"
    lake.commit("5a", REVISION)
    return lake


def tasks_of(archive: Path, lake: Lake) -> tuple[VideoTask, ...]:
    return discover([str(archive)], lake, ArchiveConfig()).tasks


def test_nodes_that_differ_join_and_die_give_what_one_process_gives(
    cluster: Cluster, archive: Path, undisturbed: Lake, tmp_path: Path
) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    tasks, seen = tasks_of(archive, lake), set[str]()
    job = RunJob(REVISION, lake.uri, light(cluster.address), MODELS)
    with open_pool(job, positions=seen.update) as pool:
        first, second = (iter(pool.submit(*each).outcomes()) for each in (("5a", tasks[:4]), ("5b", tasks[4:])))
        outcomes = [next(first)]
        os.kill(int(outcomes[0].worker.split(":")[1]), signal.SIGKILL)
        late = join(cluster, num_cpus=1)
        outcomes += [*first, next(second)]
        cluster.remove_node(late, allow_graceful=False)
        outcomes += second
    for shard in ("5a", "5b"):
        lake.commit(shard, REVISION)
    assert sorted(outcome.video_id for outcome in outcomes) == sorted(task.video_id for task in tasks)
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert contents(lake) == contents(undisturbed)


def test_a_worker_without_the_planned_models_ends_the_run_with_a_message_that_names_them(
    cluster: Cluster, archive: Path, tmp_path: Path
) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    tasks = tasks_of(archive, lake)[:1]
    config = light(cluster.address, num_gpus=1)  # there is one node for it; for the first, there are two
    missing = light(cluster.address).model_copy(update={"text": TextConfig(model=str(tmp_path / "nowhere"))})
    other = tuple(replace(model, digest="0" * 16) for model in MODELS if model.role == "text")
    refused = {
        r"^text\.model: there is no folder .* \(On the machine": RunJob(REVISION, lake.uri, missing),
        r"^text: embedded:minilm has the digest .* Install the same": RunJob(REVISION, lake.uri, config, other),
        r"^The analysis differs .* Install the same version": RunJob("0" * 16, lake.uri, config, MODELS),
    }
    for message, job in refused.items():
        with open_pool(job) as pool, pytest.raises(ModelError, match=message):
            list(pool.submit("5a", tasks).outcomes())
