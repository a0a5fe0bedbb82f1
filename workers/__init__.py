"""Running the analysis on machines: the worker, its placement, and the distribution of a shard over workers."""

from workers.cluster import ray_cluster
from workers.digests import digest_on_workers
from workers.execution import run_shard
from workers.job import ShardJob
from workers.placement import Placement, choose_placement

__all__ = ["Placement", "ShardJob", "choose_placement", "digest_on_workers", "ray_cluster", "run_shard"]
