"""How the steps run on machines: the worker, where workers are placed, and how a shard is spread over them."""

from workers.cluster import ray_cluster
from workers.execution import run_shard
from workers.job import ShardJob
from workers.placement import Placement, place

__all__ = ["Placement", "ShardJob", "place", "ray_cluster", "run_shard"]
