"""Audit: how a measure of quality differs between groups of videos."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The mean of a measure over the videos of one group."""

    group: str
    videos: int
    mean: float
    low: float
    """Lower end of the 95 % confidence interval, by bootstrap over videos."""
    high: float


@dataclass(frozen=True, slots=True)
class Disparity:
    """A measure by group, and whether the groups differ by more than chance."""

    measure: str
    meaning: str
    better: str
    """`higher`, `lower`, or empty if neither is better."""
    groups: tuple[GroupScore, ...]
    """The best group first; the highest mean first if neither end is better."""
    gap: float
    """Difference between the highest and the lowest mean."""
    p_value: float
    """Share of random regroupings with at least this gap; not corrected for multiple comparisons."""
