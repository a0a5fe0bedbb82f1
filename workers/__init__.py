"""Running the analysis on machines: the worker, its placement, and the distribution of a shard over workers."""

from workers.cluster import ray_cluster
from workers.execution import run_shard
from workers.job import ShardJob
from workers.placement import Placement, choose_placement

__all__ = ["Placement", "ShardJob", "choose_placement", "ray_cluster", "run_shard"]
