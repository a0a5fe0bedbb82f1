"""Fusion of text and vision: in one vector (early), in one space (coordinated), or by scores (late)."""

from pipeline.analysis.fusion.attention import CrossAttention
from pipeline.analysis.fusion.coordinated import (
    CONSE_PREFIX,
    ConseSpace,
    CoordinatedSpace,
    TowerSpace,
    coordinated_space,
)
from pipeline.analysis.fusion.early import early_id, fuse_early, fuse_early_rows
from pipeline.analysis.fusion.hybrid import SETTINGS, closed_form, padded, save
from pipeline.analysis.fusion.late import reciprocal_rank_fusion, weighted_scores
from pipeline.analysis.fusion.methods import HYBRID_PREFIX, PROJECTED_PREFIX, Fused, FusionMethod, fusion_method
from pipeline.analysis.fusion.parts import SceneParts, Track
from pipeline.analysis.fusion.vectors import unit, weighted_mean

__all__ = [
    "CONSE_PREFIX",
    "HYBRID_PREFIX",
    "PROJECTED_PREFIX",
    "SETTINGS",
    "ConseSpace",
    "CoordinatedSpace",
    "CrossAttention",
    "Fused",
    "FusionMethod",
    "SceneParts",
    "TowerSpace",
    "Track",
    "closed_form",
    "coordinated_space",
    "early_id",
    "fuse_early",
    "fuse_early_rows",
    "fusion_method",
    "padded",
    "reciprocal_rank_fusion",
    "save",
    "unit",
    "weighted_mean",
    "weighted_scores",
]
