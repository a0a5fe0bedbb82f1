"""Follow the known locations of an archive through a run: which are new, replaced, back, moved or missing."""

from itertools import compress
from typing import Any

from pipeline.lake import Lake
from pipeline.run.coverage import Coverage
from pipeline.run.file_state import locations
from pipeline.run.known import Content, KnownFiles
from pipeline.run.listing import Skipped
from pipeline.run.vanished import find_vanished
from schemas.config import ArchiveConfig
from schemas.records import ArchiveItem, LocationChanges

_UNCHANGED = """
SELECT uri FROM sources JOIN (SELECT unnest($uris) AS uri, unnest($seen_at) AS seen_at) USING (uri, seen_at)
"""


class Follower:
    """Compares what a run lists with what the lake knew when the run began.

    Args:
        known: The locations that the lake knows.
        lake: The lake.
        config: The `archive` section.
        skipped: Counts files that may be on disks that are not mounted.
    """

    def __init__(self, known: KnownFiles, lake: Lake, config: ArchiveConfig, skipped: Skipped) -> None:
        self.coverage = Coverage()
        """What the listing covers."""
        self.changes = LocationChanges()
        """What has changed so far."""
        self._known, self._lake, self._config, self._skipped = known, lake, config, skipped
        self._replaced: set[str] = set()
        self._arrived: set[str] = set()
        """Contents that were found where they were not before."""

    def listed(self, item: ArchiveItem) -> None:
        """Note that a file was listed."""
        self._known.note_listed(item)

    def identified(self, item: ArchiveItem, content: Content) -> list[dict[str, Any]]:
        """Note the content of a file, and return the rows of `sources` that say so, if they are new."""
        rows = []
        for uri in locations(item):
            if self._known.knows(uri, item):
                continue
            self._compare(uri, content.video_id, counted=uri == item.uri)
            rows.append(
                {
                    "uri": uri, "size_bytes": item.size_bytes, "mtime_ns": item.mtime_ns, "etag": item.etag,
                    "video_id": content.video_id, "digest": content.method,
                }
            )  # fmt: skip
        return rows

    def vanished(self) -> list[dict[str, Any]]:
        """Return the rows of the locations that have vanished, once the listing is complete.

        A location of which another run has written a newer row meanwhile is left alone.
        """
        unlisted = [(row, self._known.uri(row)) for row in self._known.unlisted()]
        candidates = list(compress(unlisted, self.coverage.may_cover(uri for _, uri in unlisted)))
        if not candidates:
            return []
        contents = {self._known.video_id(row) for row, _ in candidates}
        listed = self._known.listed_contents(contents, self._replaced) | (contents & self._arrived)
        found = find_vanished(candidates, self.coverage, self._config, lambda row: self._known.video_id(row) in listed)
        self._skipped.empty_folders = found.doubtful
        rows = self._still_known([self._known.row(row) for row in sorted(found.gone)])
        gone = {row["uri"] for row in rows}
        left = self._known.living_contents(contents, gone | self._replaced) | self._arrived
        self.changes += LocationChanges(
            moved=len({row["video_id"] for row in rows} & self._arrived),
            missing=len({row["video_id"] for row in rows} - left),
        )
        return rows

    def _compare(self, uri: str, video_id: str, *, counted: bool) -> None:
        before = self._known.before(uri)
        if self._known.locations and (before is None or before.missing or before.video_id != video_id):
            self._arrived.add(video_id)
        if before is None:
            return
        if before.video_id != video_id:
            self._replaced.add(uri)
            self.changes += LocationChanges(replaced=int(counted))
        elif before.missing:
            self.changes += LocationChanges(returned=int(counted))

    def _still_known(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not rows:
            return []
        times = {"uris": [row["uri"] for row in rows], "seen_at": [row.pop("seen_at") for row in rows]}
        unchanged = set(self._lake.sql(_UNCHANGED, times)["uri"].to_pylist())
        return [row for row in rows if row["uri"] in unchanged]


def location_lines(changes: LocationChanges) -> list[str]:
    """Return what became of known locations, in sentences for people."""
    words = (
        (changes.moved, "moved"),
        (changes.missing, "vanished"),
        (changes.returned, "came back"),
        (changes.replaced, "with other content"),
    )
    found = [f"{count:,} {what}" for count, what in words if count]
    if not found:
        return []
    kept = " Videos without a file stay in the lake: `missing_since` in the table `videos` says since when."
    return [f"Known files: {', '.join(found)}.{kept if changes.missing else ''}"]
