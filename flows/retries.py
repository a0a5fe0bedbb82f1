"""How a failed shard is retried: how often, after which delay, and for which errors."""

from typing import Any, ParamSpec, TypeVar

from prefect import Task

from schemas.config import ShardsConfig
from schemas.errors import ConfigurationError, DeviceError, LostLeaseError, ModelError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def with_retries(task: Task[Parameters, Result], config: ShardsConfig) -> Task[Parameters, Result]:
    """Return the task with the retry policy of a shard: `retries` more attempts, with a delay that doubles each time.

    A retry repeats no work: it only analyses the videos that have no outcome yet.
    """
    return task.with_options(
        retries=config.retries,
        retry_delay_seconds=[config.retry_delay_s * 2**number for number in range(config.retries)],
        retry_condition_fn=_may_succeed,
    )


def _may_succeed(_task: Any, _run: Any, state: Any) -> bool:  # noqa: ANN401 - Prefect's own types
    """Return whether another attempt may help. Not if the configuration or a model is wrong, or the lease is lost."""
    try:
        state.result()
    except (ConfigurationError, DeviceError, LostLeaseError, ModelError):
        return False
    except Exception:  # noqa: BLE001 - Prefect has recorded the error
        return True
    return True
