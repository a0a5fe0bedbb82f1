"""Running the analysis on machines: the worker, its placement, and the pool that all shards of a run share."""

from workers.digests import digest_on_workers
from workers.job import RunJob, ShardJob
from workers.pool import Batch, InlinePool, Pool, open_pool

__all__ = ["Batch", "InlinePool", "Pool", "RunJob", "ShardJob", "digest_on_workers", "open_pool"]
