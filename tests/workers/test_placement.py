import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import WorkersConfig
from schemas.errors import ConfigurationError
from workers.placement import choose_placement


def test_a_laptop_gets_one_worker_per_core() -> None:
    placement = choose_placement(WorkersConfig(), {"CPU": 8.0})
    assert (placement.num_cpus, placement.num_gpus, placement.threads, placement.max_workers) == (1.0, 0.0, 1, 8)


def test_two_workers_share_a_gpu_and_all_its_cores() -> None:
    placement = choose_placement(WorkersConfig(), {"CPU": 32.0, "GPU": 4.0})
    assert (placement.num_gpus, placement.max_workers, placement.num_cpus, placement.threads) == (0.5, 8, 4.0, 4)


def test_gpus_are_not_used_if_the_device_is_cpu() -> None:
    assert choose_placement(WorkersConfig(device="cpu"), {"CPU": 4.0, "GPU": 1.0}).num_gpus == 0.0


def test_settings_take_precedence_over_the_cluster() -> None:
    config = WorkersConfig(num_cpus=2, num_gpus=0.25, threads=3, max_workers=5, min_workers=2)
    placement = choose_placement(config, {"CPU": 64.0, "GPU": 8.0})
    assert (placement.num_cpus, placement.num_gpus, placement.threads) == (2, 0.25, 3)
    assert placement.workers_for(100) == (2, 5)


def test_no_more_workers_than_videos() -> None:
    assert choose_placement(WorkersConfig(), {"CPU": 16.0}).workers_for(3) == (1, 3)


@pytest.mark.parametrize("config", [WorkersConfig(num_cpus=4), WorkersConfig(num_gpus=1)])
def test_a_request_that_the_cluster_can_never_meet_is_an_error_with_its_resources(config: WorkersConfig) -> None:
    with pytest.raises(ConfigurationError, match="the cluster has 2 and 0"):
        choose_placement(config, {"CPU": 2.0})


@given(cpus=st.integers(1, 512), gpus=st.integers(0, 64))
def test_the_pool_always_fits_the_cluster(cpus: int, gpus: int) -> None:
    try:
        placement = choose_placement(WorkersConfig(), {"CPU": float(cpus), "GPU": float(gpus)})
    except ConfigurationError:
        return
    assert placement.max_workers >= 1
    assert placement.max_workers * placement.num_cpus <= cpus
    assert placement.max_workers * placement.num_gpus <= gpus
