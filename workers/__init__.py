"""Running the analysis on machines: the worker, its placement, and the pool that all shards of a run share.

Names are loaded when they are first used: the process of an actor that only counts needs no Parquet and no models.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.cluster import connecting
    from workers.digests import digest_on_workers
    from workers.job import RunJob, ShardJob
    from workers.pool import Batch, InlinePool, Pool, open_pool

__all__ = ["Batch", "InlinePool", "Pool", "RunJob", "ShardJob", "connecting", "digest_on_workers", "open_pool"]

_HOMES = {
    "connecting": "workers.cluster",
    "digest_on_workers": "workers.digests",
    "RunJob": "workers.job",
    "ShardJob": "workers.job",
} | dict.fromkeys(("Batch", "InlinePool", "Pool", "open_pool"), "workers.pool")


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
