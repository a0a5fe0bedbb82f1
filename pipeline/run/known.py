"""What earlier runs found at each location: an index of the table `sources` that is small for millions of rows."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.run.digest import SAMPLED_BYTES, Method
from pipeline.run.file_state import locations, names_content, same_state
from schemas.records import ArchiveItem


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file, as its digest names it."""

    video_id: str
    method: Method


@dataclass(frozen=True, slots=True)
class Before:
    """What a location held before a run."""

    video_id: str
    missing: bool


class KnownFiles:
    """The files that earlier runs have read.

    Args:
        rows: From `Lake.known_sources`.
        analysed: Returns the ids of all videos in the lake, wherever their files were. It is called when needed.
        forgotten_whole: Forgotten videos whose files are large, and whose ids are digests of all bytes. No sample tells
            such a file, so all new large files are read whole.
    """

    def __init__(
        self, rows: pa.Table, analysed: Callable[[], Iterable[str]], forgotten_whole: Iterable[str] = ()
    ) -> None:
        self.forgotten_whole = frozenset(forgotten_whole)
        self._analysed = analysed
        # Python lists: a lookup in an Arrow array takes ten times as long.
        self._uris: list[str] = rows["uri"].to_pylist()
        self._sizes: list[int] = rows["size_bytes"].to_pylist()
        self._mtimes: list[int] = rows["mtime_ns"].to_pylist()
        self._etags: list[str | None] = rows["etag"].to_pylist()
        self._ids: list[str] = rows["video_id"].to_pylist()
        self._sampled: list[bool | None] = pc.equal(rows["digest"], "sampled").to_pylist()
        self._missing = bytearray(pc.is_valid(rows["missing_since"]).to_pylist())
        self._seen_at = rows["seen_at"]
        self._listed = bytearray(len(self._uris))
        self._row = {uri: row for row, uri in enumerate(self._uris)}

    def content_of(self, item: ArchiveItem) -> Content | None:
        """Return the content of a file that has not changed since an earlier run read it; None if it must be read."""
        for uri in locations(item):
            row = self._row.get(uri)
            if row is not None and same_state(self._state(row), item):
                return self._content(row)
        return None

    def knows(self, uri: str, item: ArchiveItem) -> bool:
        """Return whether a location is known with the state of this file, and was not missing."""
        row = self._row.get(uri)
        return row is not None and not self._missing[row] and same_state(self._state(row), item)

    def note_listed(self, item: ArchiveItem) -> None:
        """Note that a file was listed. One whose state could not be read may be gone."""
        if item.size_bytes or item.mtime_ns or item.etag:
            for uri in locations(item):
                row = self._row.get(uri)
                if row is not None:
                    self._listed[row] = 1

    def before(self, uri: str) -> Before | None:
        """Return what a location held before this run; None if it is new."""
        row = self._row.get(uri)
        return None if row is None else Before(self._ids[row], missing=bool(self._missing[row]))

    def unlisted(self) -> list[int]:
        """Return the rows of locations that were not listed and were not missing before."""
        return [
            row
            for row, (listed, missing) in enumerate(zip(self._listed, self._missing, strict=True))
            if not listed and not missing
        ]

    def uri(self, row: int) -> str:
        """Return the location of a row."""
        return self._uris[row]

    def video_id(self, row: int) -> str:
        """Return the content of a row."""
        return self._ids[row]

    def row(self, row: int) -> dict[str, Any]:
        """Return a row of `sources` as it was when the run began."""
        state, content = self._state(row), self._content(row)
        return {
            "uri": state.uri, "size_bytes": state.size_bytes, "mtime_ns": state.mtime_ns, "etag": state.etag,
            "video_id": content.video_id, "digest": None if self._sampled[row] is None else content.method,
            "seen_at": self._seen_at[row].as_py(),
        }  # fmt: skip

    def listed_contents(self, video_ids: Collection[str], replaced: Collection[str]) -> set[str]:
        """Return those of some contents that were listed where they were before."""
        return self._contents(video_ids, replaced, self._listed)

    def living_contents(self, video_ids: Collection[str], gone: Collection[str]) -> set[str]:
        """Return those of some contents that are still at a known location, apart from some."""
        return self._contents(video_ids, gone, bytes(not missing for missing in self._missing))

    def _contents(self, video_ids: Collection[str], without: Collection[str], rows: Sequence[int]) -> set[str]:
        return {
            video_id
            for row, video_id in enumerate(self._ids)
            if rows[row] and video_id in video_ids and self._uris[row] not in without
        }

    def with_content(self, video_id: str) -> Iterator[ArchiveItem]:
        """Yield the files that had some content when they were last read."""
        for row in self._rows_by_id.get(video_id, ()):
            yield self._state(row)

    def content_with_etag(self, etag: str, size_bytes: int) -> Content | None:
        """Return the content of an object on S3 with this ETag and size."""
        row = self._rows_by_etag.get((etag, size_bytes))
        return None if row is None else self._content(row)

    def has_content(self, video_id: str) -> bool:
        """Return whether some file had this content when it was last read, or before."""
        return video_id in self._rows_by_id or video_id in self._analysed_ids

    @property
    def locations(self) -> int:
        """Number of known locations."""
        return len(self._uris)

    @cached_property
    def sizes_read_whole(self) -> frozenset[int]:
        """Sizes of large files whose id is the digest of all their bytes."""
        sizes = zip(self._sizes, self._sampled, strict=True)
        return frozenset(size for size, sampled in sizes if not sampled and size > SAMPLED_BYTES)

    @cached_property
    def _analysed_ids(self) -> frozenset[str]:
        return frozenset(self._analysed())

    @cached_property
    def _rows_by_id(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for row, video_id in enumerate(self._ids):
            rows.setdefault(video_id, []).append(row)
        return rows

    @cached_property
    def _rows_by_etag(self) -> dict[tuple[str, int], int]:
        rows: dict[tuple[str, int], int] = {}
        for row, etag in enumerate(self._etags):
            if etag is not None and names_content(self._uris[row], etag):
                rows[etag, self._sizes[row]] = row
        return rows

    def _state(self, row: int) -> ArchiveItem:
        return ArchiveItem(self._uris[row], self._sizes[row], self._mtimes[row], etag=self._etags[row])

    def _content(self, row: int) -> Content:
        return Content(self._ids[row], "sampled" if self._sampled[row] else "full")
