"""Which files a reader takes: one consistent choice, whatever a writer does meanwhile.

A commit needs no care: `videos` is listed before the other tables and written after them, so a listed video's rows are
listed too. Compaction does: it publishes a file, then removes those it stands for. Before it starts, it writes down in
`_compactions/<id>.json` which file will stand for which; the note counts from the moment that file exists. A listing of
a folder is no snapshot either, so files are listed three times:

    1. list, 2. read the notes, 3. list (this one is used), 4. list again;
    take it if the compacted files are the same all three times, else start over.

If a compacted file is in the listing that is used, it was in the first: its note was there before, and is either read
in step 2 or gone, and then the files it stands for were gone before the listing that is used. If it is not in the last
listing, nothing that it stands for had been removed when the one before was made. Either way every row is seen once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.lake.layout import COMPACTIONS, is_compact
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import TABLE_NAMES

_ATTEMPTS = 100

Files = Mapping[str, tuple[str, ...]]
"""File names by table."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One file that compaction makes, and those it stands for."""

    table: str
    by: str
    replaced: tuple[str, ...]


def take_snapshot(store: Store) -> Files:
    """Choose the files of every table that hold each row once.

    Raises:
        LakeError: Compaction changed the lake faster than it could be listed.
    """
    before = _list(store)
    for _ in range(_ATTEMPTS):
        replacements = notes(store)
        files = _list(store)
        after = _list(store)
        if _compacted(before) == _compacted(files) == _compacted(after):
            return without_replaced(files, replacements)
        before = after
    raise LakeError(f"The lake {store.uri} is being compacted over and over; try again.")


def notes(store: Store) -> list[Replacement]:
    """Read what unfinished compactions wrote down."""
    found = []
    for name in store.names(COMPACTIONS):
        try:
            note = json.loads(store.read(f"{COMPACTIONS}/{name}"))
        except FileNotFoundError:
            continue
        found += [Replacement(each["table"], each["by"], tuple(each["replaced"])) for each in note["files"]]
    return found


def without_replaced(files: Files, replacements: list[Replacement]) -> Files:
    """Leave out the files for which a published compacted file stands."""
    replaced = {(each.table, name) for each in replacements if each.by in files[each.table] for name in each.replaced}
    return {table: tuple(name for name in names if (table, name) not in replaced) for table, names in files.items()}


def _list(store: Store) -> dict[str, tuple[str, ...]]:
    order = ("videos", *(table for table in TABLE_NAMES if table != "videos"))
    return {table: tuple(name for name in store.names(table) if _is_data(name)) for table in order}


def _is_data(name: str) -> bool:
    return name.endswith(".parquet") and not name.startswith(("_", "."))


def _compacted(files: Files) -> set[tuple[str, str]]:
    return {(table, name) for table, names in files.items() for name in names if is_compact(name)}
