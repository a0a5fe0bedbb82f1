"""Fusion of text and vision: in one vector (early), in one space (coordinated), or by scores (late)."""

from typing import TYPE_CHECKING

from pipeline.analysis.fusion.comparing import cosines, even_parts, parts_of
from pipeline.analysis.fusion.conse import top_classes
from pipeline.analysis.fusion.coordinated import (
    CONSE_PREFIX,
    ConseSpace,
    CoordinatedSpace,
    TowerSpace,
    coordinated_space,
)
from pipeline.analysis.fusion.early import early_id, fuse_early, fuse_early_rows
from pipeline.analysis.fusion.late import reciprocal_rank_fusion, weighted_scores
from pipeline.analysis.fusion.methods import HYBRID_PREFIX, PROJECTED_PREFIX, Fused, FusionMethod, fusion_method
from pipeline.analysis.fusion.parts import SceneParts, Track
from pipeline.analysis.fusion.vectors import unit, weighted_mean
from schemas.lazy_names import lazy_names

if TYPE_CHECKING:
    from pipeline.analysis.fusion.attention import CrossAttention
    from pipeline.analysis.fusion.hybrid import SETTINGS, closed_form, padded, save

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
    "cosines",
    "early_id",
    "even_parts",
    "fuse_early",
    "fuse_early_rows",
    "fusion_method",
    "padded",
    "parts_of",
    "reciprocal_rank_fusion",
    "save",
    "top_classes",
    "unit",
    "weighted_mean",
    "weighted_scores",
]

# Search and runs on Ray do not wait until PyTorch is imported, which takes 2 s.
__getattr__ = lazy_names(
    __name__, {"attention": ("CrossAttention",), "hybrid": ("SETTINGS", "closed_form", "padded", "save")}
)
