"""Fusion: text and pictures as one vector (early), in one space (coordinated), or by their scores (late).

What needs loaded models is imported from its module: `coordinated` and `queries`.
"""

from pipeline.fusion.early import fuse_early
from pipeline.fusion.late import reciprocal_rank_fusion, weighted_scores
from pipeline.fusion.vectors import unit, weighted_mean

__all__ = ["fuse_early", "reciprocal_rank_fusion", "unit", "weighted_mean", "weighted_scores"]
