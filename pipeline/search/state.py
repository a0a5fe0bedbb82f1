"""What a searcher holds of a lake: segments, each video once, and what to call them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.search.rows import Space
from pipeline.search.segment import Segment

Seen = tuple[tuple[str, ...], str]
"""What changes whenever the lake, or its index, does."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The lake as it was at one time."""

    seen: Seen
    segments: tuple[Segment, ...]
    videos: Mapping[str, tuple[str, str]]
    """URI and headline of each."""
    models: Mapping[Space, str]
    """Which model made the vectors of each space, in the newest results."""
    made_by: str
    """Revision of the newest results, and its runs so far; while they stay, so do the models of queries."""

    @property
    def moments(self) -> int:
        """Number of moments that can be found."""
        return sum(segment.rows.num_rows for segment in self.segments)

    @property
    def mean_length(self) -> float:
        """Words a moment."""
        return sum(segment.words for segment in self.segments) / max(1, self.moments)


def covering(segments: Sequence[Segment], commits: Mapping[str, str]) -> list[Segment]:
    """Let segments cover each video once: leave out what was analysed anew, is gone, or is in an earlier segment.

    Args:
        segments: Those that are open; ones with nothing left are dropped.
        commits: Videos of the lake and the shard of each.
    """
    covered: set[str] = set()
    kept = []
    for segment in segments:
        gone = {each for each, shard in segment.commits.items() if commits.get(each) != shard or each in covered}
        if len(gone) < len(segment.commits):
            covered |= set(segment.commits) - gone
            without = tuple(sorted(gone))
            kept.append(segment if without == segment.without else replace(segment, without=without))
    return kept
