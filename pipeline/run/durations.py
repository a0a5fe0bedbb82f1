"""How long videos are that nobody has analysed yet: as a few of their files state, or by the size of their files."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import median
from typing import Literal

from pipeline.analysis.media import probe
from pipeline.lake import Lake
from pipeline.run.listing import extension_of
from pipeline.run.plan import BYTES_PER_S
from pipeline.run.remote_listing import name_of
from schemas.config import Config
from schemas.records import VideoTask

Known = Literal["stated", "by size"]
"""Whether a file states its length, or it is estimated from its size."""

_BY_EXTENSION = r"""
SELECT extension, sum(size_bytes) / sum(duration_s) AS bytes_per_s
FROM (SELECT lower(regexp_extract(uri, '\.(\w+)$', 1)) AS extension, size_bytes, duration_s
      FROM videos WHERE status = 'ok' AND duration_s > 0 AND size_bytes > 0)
GROUP BY GROUPING SETS ((extension), ())
"""
_ANY = None
_OPENED = 20
"""Files that are opened for each extension."""
_PATIENCE_S = 5.0
"""No more files are opened after this time, as on a slow network."""


class Durations:
    """Estimates durations from sizes, by the bytes per second of the first files, or of the lake's own videos.

    The first files of each extension are opened, if that is wanted: new files may have another bit rate than those in
    the lake. If there is nothing to go by, the bit rate of a typical video counts.

    Args:
        lake: Has videos of known size and duration.
        config: The whole configuration, to open files; None to open none.
    """

    def __init__(self, lake: Lake, config: Config | None = None) -> None:
        rows = lake.sql(_BY_EXTENSION).to_pylist()
        self._bytes_per_s: Mapping[str | None, float] = {row["extension"]: row["bytes_per_s"] for row in rows}
        self._config = config
        self._opened: Counter[str] = Counter()
        self._opening_s = 0.0
        self._stated: defaultdict[str | None, list[float]] = defaultdict(list)
        """Bytes per second of the files that were opened, by extension."""

    @property
    def source(self) -> Literal["lake", "files", "typical"]:
        """Whose bit rate counts for most of the files that are not opened."""
        if self._stated:
            return "files"
        return "lake" if self._bytes_per_s.get(_ANY) else "typical"

    def estimate_s(self, task: VideoTask) -> tuple[float, Known]:
        """Return the duration of a video as its file states it, or else as that of others of its extension."""
        extension = extension_of(name_of(task.uris[0]))
        stated_s = self._stated_s(task, extension)
        if stated_s:
            for key in (extension, _ANY):
                self._stated[key].append(task.size_bytes / stated_s)
            return stated_s, "stated"
        return task.size_bytes / self._rate(extension), "by size"

    def _stated_s(self, task: VideoTask, extension: str) -> float:
        """Return the duration that the file of a video states; 0.0 if it states none or is not opened."""
        if self._config is None or self._opened[extension] >= _OPENED or self._opening_s >= _PATIENCE_S:
            return 0.0
        self._opened[extension] += 1
        started = time.monotonic()
        try:
            found = probe(task.uris[0], self._config.media, self._config.limits)
            return min(found.duration_s, self._config.limits.max_duration_s)
        except Exception:  # noqa: BLE001 - whatever is wrong with the file, the run will say it
            return 0.0
        finally:
            self._opening_s += time.monotonic() - started

    def _rate(self, extension: str) -> float:
        return (
            self._stated_rate(extension)
            or self._bytes_per_s.get(extension)
            or self._stated_rate(_ANY)
            or self._bytes_per_s.get(_ANY)
            or BYTES_PER_S
        )

    def _stated_rate(self, extension: str | None) -> float:
        """Return the median, as one file may state anything; 0.0 if none states its length."""
        rates = self._stated.get(extension)
        return median(rates) if rates else 0.0
