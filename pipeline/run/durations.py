"""How long videos are that nobody has opened yet, by the size of their files."""

from collections.abc import Mapping

from pipeline.lake import Lake
from pipeline.run.plan import BYTES_PER_S
from schemas.records import VideoTask

_BY_EXTENSION = r"""
SELECT extension, sum(size_bytes) / sum(duration_s) AS bytes_per_s
FROM (SELECT lower(regexp_extract(uri, '\.(\w+)$', 1)) AS extension, size_bytes, duration_s
      FROM videos WHERE status = 'ok' AND duration_s > 0 AND size_bytes > 0)
GROUP BY GROUPING SETS ((extension), ())
"""
_ANY = None


class Durations:
    """Estimates durations from sizes, by the bytes per second of the lake's own videos, or of a typical video.

    Args:
        lake: Has videos of known size and duration.
    """

    def __init__(self, lake: Lake) -> None:
        rows = lake.sql(_BY_EXTENSION).to_pylist()
        self._bytes_per_s: Mapping[str | None, float] = {row["extension"]: row["bytes_per_s"] for row in rows}
        self.known = bool(self._bytes_per_s.get(_ANY))
        """Whether the lake has videos to go by."""

    def estimate_s(self, task: VideoTask) -> float:
        """Return the estimated duration of a video: as that of others of its extension, or of all others."""
        extension = task.uris[0].rpartition(".")[2].lower()
        rate = self._bytes_per_s.get(extension) or self._bytes_per_s.get(_ANY) or BYTES_PER_S
        return task.size_bytes / rate
