"""Running the analysis on machines: the worker, its placement, and the pool that all shards of a run share."""

from workers.job import RunJob, ShardJob
from workers.pool import Batch, InlinePool, Pool, open_pool

__all__ = ["Batch", "InlinePool", "Pool", "RunJob", "ShardJob", "open_pool"]
