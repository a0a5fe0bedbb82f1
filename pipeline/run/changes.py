"""What a run will do, in three counts: videos that are new, that have changed, and that failed before."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake import Lake
from schemas.records import VideoTask

_KNOWN = """
SELECT DISTINCT uri FROM all_videos WHERE uri IN (SELECT unnest($uris))
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """Numbers of videos to analyse."""

    new: int
    """Neither the content nor the location is in the lake."""
    changed: int
    """The file has other content than before, or the settings, the models or its subtitle files have changed."""
    retried: int
    """Failed in an earlier run, at this revision."""

    def __add__(self, other: "Changes") -> "Changes":
        """Return the sum of two counts."""
        return Changes(self.new + other.new, self.changed + other.changed, self.retried + other.retried)


def count_changes(tasks: Sequence[VideoTask], processed: pa.Table, lake: Lake) -> Changes:
    """Count the videos to analyse by the reason for it.

    Args:
        tasks: The videos to analyse.
        processed: The newest row of each video in the lake, from `Lake.processed`.
        lake: Has the locations of the videos that earlier runs have analysed.
    """
    ids = pa.array([task.video_id for task in tasks], pa.string())
    rows = processed.filter(pc.is_in(processed["video_id"], value_set=ids))
    retried = pc.sum(pc.is_valid(rows["tried"])).as_py() or 0
    seen = set(rows["video_id"].to_pylist())
    unseen = [task for task in tasks if task.video_id not in seen]
    replaced = _count_known([task.uris[0] for task in unseen], lake) if processed.num_rows else 0
    return Changes(len(unseen) - replaced, rows.num_rows - retried + replaced, retried)


def _count_known(uris: list[str], lake: Lake) -> int:
    """Return how many locations are those of videos in the lake."""
    return lake.sql(_KNOWN, {"uris": uris}).num_rows if uris else 0
