"""How evenly a lake serves groups of videos."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A measure over the videos of one group."""

    group: str
    videos: int
    mean: float
    low: float
    """Lower end of the 95 % interval, by bootstrap over videos."""
    high: float


@dataclass(frozen=True, slots=True)
class Disparity:
    """A measure by group, and whether the groups differ more than chance."""

    measure: str
    meaning: str
    better: str
    """`higher`, `lower`, or empty where neither is."""
    groups: tuple[GroupScore, ...]
    """The best served first; where neither end is better, the highest first."""
    gap: float
    """Difference between the highest and the lowest mean."""
    p_value: float
    """Share of random regroupings with a gap as large; not corrected for looking at several measures."""
