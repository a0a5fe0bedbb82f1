"""Running the analysis on machines: the worker, its placement, and the pool that all shards of a run share.

Names are loaded when they are first used: the process of an actor that only counts needs no Parquet and no models.
"""

from typing import TYPE_CHECKING

from schemas.lazy_names import lazy_names

if TYPE_CHECKING:
    from workers.cluster import connecting
    from workers.digests import digest_on_workers
    from workers.job import RunJob, ShardJob
    from workers.pool import Batch, InlinePool, Pool, open_pool

__all__ = ["Batch", "InlinePool", "Pool", "RunJob", "ShardJob", "connecting", "digest_on_workers", "open_pool"]

__getattr__ = lazy_names(
    __name__,
    {
        "cluster": ("connecting",),
        "digests": ("digest_on_workers",),
        "job": ("RunJob", "ShardJob"),
        "pool": ("Batch", "InlinePool", "Pool", "open_pool"),
    },
)
