from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import WorkersConfig
from workers.placement import NodePlacement, WorkerSize, place_on


def placed(resources: dict[str, float], **settings: Any) -> NodePlacement:
    found = place_on(WorkersConfig(**settings), resources)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("cpus", "workers", "num_cpus"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 2), (5, 2, 2), (64, 32, 2)]
)
def test_a_worker_gets_two_cores_and_two_threads_where_there_are_as_many(
    cpus: int, workers: int, num_cpus: int
) -> None:
    size = WorkerSize(num_cpus, 0.0, num_cpus, videos_at_once=min(num_cpus, 2))
    assert placed({"CPU": float(cpus)}) == NodePlacement(size, workers)


@pytest.mark.parametrize(
    ("cpus", "videos", "workers", "num_cpus"),
    [
        (1, 1, 1, 1),
        (2, 1, 1, 2),
        (4, 1, 1, 4),
        (8, 1, 1, 8),
        (8, 2, 2, 4),
        (8, 3, 4, 2),
        (8, 9, 4, 2),
        (64, 1, 8, 8),
        (64, 9, 9, 7),
    ],
)
def test_few_videos_get_larger_workers(cpus: int, videos: int, workers: int, num_cpus: int) -> None:
    found = place_on(WorkersConfig(), {"CPU": float(cpus)}, videos)
    assert found is not None
    assert (found.workers, found.size.num_cpus, found.size.threads) == (workers, num_cpus, num_cpus)
    assert found.size == placed({"CPU": float(cpus)}, max_workers=videos).size


def test_a_single_video_gets_all_cores_beside_a_gpu_but_no_more_of_the_gpu() -> None:
    found = place_on(WorkersConfig(), {"CPU": 8.0, "GPU": 1.0}, 1)
    assert found == NodePlacement(WorkerSize(8, 0.5, 8), 1)


def test_two_workers_share_a_gpu_and_all_its_cores() -> None:
    assert placed({"CPU": 32.0, "GPU": 4.0}) == NodePlacement(WorkerSize(4.0, 0.5, 4, videos_at_once=1), 8)


@pytest.mark.parametrize(("asked", "threads", "found"), [(1, 4, 1), (3, 4, 3), (3, 2, 2), (3, 1, 1)])
def test_a_worker_analyses_no_more_videos_at_once_than_it_has_threads(asked: int, threads: int, found: int) -> None:
    assert placed({"CPU": 8.0}, threads=threads, videos_at_once=asked).size.videos_at_once == found


def test_a_placement_is_logged_in_words() -> None:
    assert str(placed({"CPU": 2.0})) == "1 worker with 2 CPUs, 2 threads"
    assert str(placed({"CPU": 32.0, "GPU": 4.0})) == "8 workers with 4 CPUs, 0.5 GPUs, 4 threads"


def test_gpus_are_not_used_if_the_device_is_cpu() -> None:
    assert placed({"CPU": 4.0, "GPU": 1.0}, device="cpu").size.num_gpus == 0.0


def test_nodes_without_gpus_are_not_used_if_the_device_is_cuda() -> None:
    assert place_on(WorkersConfig(device="cuda"), {"CPU": 64.0}) is None
    assert placed({"CPU": 8.0, "GPU": 1.0}, device="cuda").size.num_gpus == 0.5


def test_settings_take_precedence_over_the_node() -> None:
    found = placed({"CPU": 64.0, "GPU": 8.0}, num_cpus=2, num_gpus=0.25, threads=3)
    assert found == NodePlacement(WorkerSize(2, 0.25, 3), 32)


@pytest.mark.parametrize("config", [WorkersConfig(num_cpus=4), WorkersConfig(num_gpus=1)])
def test_a_node_that_is_too_small_is_not_used(config: WorkersConfig) -> None:
    assert place_on(config, {"CPU": 2.0}) is None


def test_a_node_without_cores_such_as_the_head_of_an_autoscaling_cluster_is_not_used() -> None:
    assert place_on(WorkersConfig(), {"memory": 1e9}) is None


@given(
    cpus=st.integers(0, 512),
    gpus=st.integers(0, 64),
    device=st.sampled_from(["auto", "cpu", "cuda"]),
    videos=st.none() | st.integers(1, 600),
)
def test_the_workers_always_fit_their_node(cpus: int, gpus: int, device: str, videos: int | None) -> None:
    config = WorkersConfig(device=device)  # type: ignore[arg-type]
    found = place_on(config, {"CPU": float(cpus), "GPU": float(gpus)}, videos)
    if found is not None:
        assert found.workers >= 1
        assert found.workers * found.size.num_cpus <= cpus
        assert found.workers * found.size.num_gpus <= gpus
