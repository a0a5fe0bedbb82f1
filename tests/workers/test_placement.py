from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import WorkersConfig
from workers.placement import NodePlacement, WorkerSize, for_few_videos, place_on


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


def threads(nodes: list[dict[str, float]], videos: int, **settings: Any) -> list[int]:
    """Return the threads of the workers of each node."""
    config = WorkersConfig(**settings)
    places = [placed(node, **settings) for node in nodes]
    sizes = [for_few_videos(config, place, videos, places) for place in places]
    for size, place in zip(sizes, places, strict=True):
        assert size.resources == place.size.resources
        assert size.videos_at_once == place.size.videos_at_once
    return [size.threads for size in sizes]


@pytest.mark.parametrize(
    ("cpus", "videos", "found"),
    [(1, 1, 1), (2, 1, 2), (4, 1, 4), (4, 2, 2), (8, 1, 8), (8, 2, 4), (8, 3, 2), (8, 9, 2), (64, 1, 8), (64, 9, 7)],
)
def test_workers_have_more_threads_if_there_are_few_videos(cpus: int, videos: int, found: int) -> None:
    assert threads([{"CPU": float(cpus)}], videos) == [found]


def test_threads_are_as_many_as_the_cores_of_all_nodes_allow() -> None:
    large, small = {"CPU": 64.0}, {"CPU": 2.0}
    assert threads([large, *[small] * 10], 40) == [2] + [2] * 10
    assert threads([large, *[small] * 10], 20) == [4] + [2] * 10
    assert threads([{"CPU": 8.0}] * 2, 2) == [8, 8]


def test_a_single_video_gets_threads_for_all_cores_beside_a_gpu() -> None:
    assert threads([{"CPU": 8.0, "GPU": 1.0}], 1) == [8]


def test_threads_that_are_set_and_the_number_of_workers_change_nothing() -> None:
    assert threads([{"CPU": 8.0}], 1, threads=3) == [3]
    assert threads([{"CPU": 8.0}], 100, max_workers=1) == [2]


@given(cpus=st.lists(st.integers(1, 128), min_size=1, max_size=6), videos=st.integers(1, 200))
def test_few_videos_never_get_more_threads_than_there_are_cores(cpus: list[int], videos: int) -> None:
    found = threads([{"CPU": float(each)} for each in cpus], videos)
    own = [placed({"CPU": float(each)}).size.threads for each in cpus]
    assert all(more >= few for more, few in zip(found, own, strict=True))
    if found != own:
        assert max(found) * videos <= sum(cpus)


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


@given(cpus=st.integers(0, 512), gpus=st.integers(0, 64), device=st.sampled_from(["auto", "cpu", "cuda"]))
def test_the_workers_always_fit_their_node(cpus: int, gpus: int, device: str) -> None:
    found = place_on(WorkersConfig(device=device), {"CPU": float(cpus), "GPU": float(gpus)})  # type: ignore[arg-type]
    if found is not None:
        assert found.workers >= 1
        assert found.workers * found.size.num_cpus <= cpus
        assert found.workers * found.size.num_gpus <= gpus
