"""What a searcher knows of a lake at one time: its segments, and the names of its videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.search.rows import Space
from pipeline.search.segment import Segment

LakeVersion = tuple[str, str]
"""Changes whenever the lake or its search index does."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The lake at one time."""

    version: LakeVersion
    segments: tuple[Segment, ...]
    videos: Mapping[str, tuple[str, str]]
    """URI and headline of each video."""
    models: Mapping[Space, str]
    """The model that made the vectors of each space, in the newest results."""
    made_by: str
    """Revision of the newest results and its number of runs; while it stays the same, loaded query models are kept."""

    @property
    def moments(self) -> int:
        """Number of moments that can be found."""
        return sum(segment.rows.num_rows for segment in self.segments)

    @property
    def mean_length(self) -> float:
        """Mean number of words per moment."""
        return sum(segment.words for segment in self.segments) / max(1, self.moments)


def covering(segments: Sequence[Segment], commits: Mapping[str, str]) -> list[Segment]:
    """Make segments cover each video once, and drop segments with nothing left.

    A segment skips the videos that were analysed again or removed, and those of an earlier segment.

    Args:
        segments: The open segments.
        commits: The videos of the lake, each with its shard.
    """
    covered: set[str] = set()
    kept = []
    for segment in segments:
        gone = {each for each, shard in segment.commits.items() if commits.get(each) != shard or each in covered}
        if len(gone) < len(segment.commits):
            covered |= set(segment.commits) - gone
            superseded = tuple(sorted(gone))
            kept.append(segment if superseded == segment.superseded else replace(segment, superseded=superseded))
    return kept
