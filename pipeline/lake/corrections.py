"""Corrections as rows of the table `corrections`, and back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

from pipeline.lake.log import Log
from schemas.corrections import Correction, Span

Row = dict[str, Any]
_ATTEMPTS = 5


def correction_rows(corrections: Iterable[Correction]) -> list[Row]:
    """Return corrections as rows."""
    rows = []
    for each in corrections:
        row = asdict(each)
        place = row.pop("place") or {"start_s": None, "end_s": None}
        rows.append(row | place)
    return rows


class Corrections:
    """Reads the corrections of one lake. Files never change, so each is read once.

    Args:
        log: The lake's log.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        # Replaced as one, because several threads may read.
        self._known: tuple[dict[str, list[Correction]], dict[str, list[Correction]]] = ({}, {})

    def read(self, video_ids: Collection[str] | None = None) -> dict[str, list[Correction]]:
        """Return all corrections of some videos, in the order in which they were made.

        Args:
            video_ids: The videos; None: all.

        Returns:
            Corrections by video, for videos that have some. Undone ones are among them: see `standing`.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            snapshot = self._log.snapshot()
            try:
                files = {file.path: self._read(file.path) for file in snapshot.of("corrections")}
            except FileNotFoundError:  # merged with others meanwhile
                if attempt == _ATTEMPTS:
                    raise
                continue
            known, found = self._known
            if files.keys() != known.keys():
                found = _by_video(files.values())
                self._known = files, found
            wanted = found if video_ids is None else [each for each in dict.fromkeys(video_ids) if each in found]
            return {each: list(found[each]) for each in wanted if each not in snapshot.forgotten}
        raise AssertionError("unreachable")

    def _read(self, path: str) -> list[Correction]:
        known = self._known[0].get(path)
        if known is None:
            with self._log.store.parquet(path) as file:
                known = [_correction(row) for row in file.read().to_pylist()]
        return known


def _by_video(files: Iterable[Iterable[Correction]]) -> dict[str, list[Correction]]:
    """Return the corrections of each video, in the order in which they were made."""
    found: dict[str, dict[str, Correction]] = defaultdict(dict)
    for each in sorted(chain.from_iterable(files), key=lambda each: (each.made_at, each.correction_id)):
        # By id: a write whose answer was lost may have been repeated.
        found[each.video_id][each.correction_id] = each
    return {video_id: list(each.values()) for video_id, each in found.items()}


def _correction(row: Mapping[str, Any]) -> Correction:
    place = None if row["start_s"] is None else Span(row["start_s"], row["end_s"])
    spans = tuple(Span(**each) for each in row["spans"])
    others = {name: row[name] for name in row if name not in {"start_s", "end_s", "spans"}}
    return Correction(place=place, spans=spans, **others)
