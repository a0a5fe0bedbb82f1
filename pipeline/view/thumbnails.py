"""Thumbnails, read a few at a time from the lake's large files, with a cache."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import duckdb

from pipeline.view.reader import LakeReader

_KEPT_BYTES = 64 * 1024**2
_JPEG = b"\xff\xd8\xff"
State = str

_ROWS = """
SELECT wanted.frame_id, file, first_row + CAST(regexp_extract(wanted.frame_id, '-f(\\d{1,9})$', 1) AS INTEGER) AS row
FROM (SELECT unnest($ids) AS frame_id) AS wanted
JOIN lake.first_thumbnails ON video_id = regexp_extract(wanted.frame_id, '^(.*)-f\\d{1,9}$', 1)
"""


class Thumbnails:
    """JPEGs by `frame_id`, from any thread.

    A thumbnail is found by its row number, so that DuckDB reads one row group and not the whole table. Ask for all
    thumbnails of a page at once, because neighbours share row groups.

    Args:
        reader: The lake.
    """

    def __init__(self, reader: LakeReader) -> None:
        self._reader = reader
        self._kept: OrderedDict[tuple[State, str], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def get(self, frame_id: str) -> bytes | None:
        """Return a JPEG; None if there is no such keyframe, or its thumbnail is not a JPEG.

        Raises:
            LakeError: The lake cannot be read.
        """
        return self.many([frame_id]).get(frame_id)

    def many(self, frame_ids: Sequence[str]) -> dict[str, bytes]:
        """Return JPEGs by `frame_id`, without those that do not exist.

        Raises:
            LakeError: The lake cannot be read.
        """
        state = self._reader.state
        found, missing = self._look(state, frame_ids)
        if missing:
            # One reader at a time: a thread that waited finds what the other one has read.
            with self._reading:
                again, missing = self._look(state, missing)
                found |= again
                if missing:
                    found |= self._keep(state, self._reader.ask(lambda connection: _read(connection, missing)))
        return found

    def _look(self, state: State, frame_ids: Sequence[str]) -> tuple[dict[str, bytes], list[str]]:
        found, missing = {}, []
        with self._lock:
            for frame_id in frame_ids:
                if kept := self._kept.get((state, frame_id)):
                    self._kept.move_to_end((state, frame_id))
                    found[frame_id] = kept
                else:
                    missing.append(frame_id)
        return found, missing

    def _keep(self, state: State, thumbnails: dict[str, bytes]) -> dict[str, bytes]:
        with self._lock:
            for frame_id, jpeg in thumbnails.items():
                self._kept[state, frame_id] = jpeg
                self._kept_bytes += len(jpeg)
            while self._kept_bytes > _KEPT_BYTES:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return thumbnails


def _read(connection: duckdb.DuckDBPyConnection, frame_ids: Sequence[str]) -> dict[str, bytes]:
    rows_by_file: dict[str, list[int]] = {}
    for _, file, row in connection.execute(_ROWS, {"ids": list(frame_ids)}).fetchall():
        rows_by_file.setdefault(file, []).append(row)
    found: dict[str, bytes] = {}
    for file, rows in rows_by_file.items():
        numbers = ", ".join("?" * len(rows))
        found |= connection.execute(
            "SELECT frame_id, thumbnail FROM read_parquet(?, file_row_number = true) "  # noqa: S608 - only question marks
            f"WHERE file_row_number IN ({numbers})",
            [file, *rows],
        ).fetchall()
    missing = set(frame_ids) - set(found)
    if missing:
        # Other writers may have ordered the rows of their files differently.
        found |= connection.execute(
            "SELECT frame_id, thumbnail FROM frames WHERE frame_id IN (SELECT unnest($ids))", {"ids": list(missing)}
        ).fetchall()
    return {name: found[name] for name in frame_ids if found.get(name, b"").startswith(_JPEG)}
