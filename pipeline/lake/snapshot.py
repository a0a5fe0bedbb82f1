"""Snapshots: the files that a reader takes, consistent whatever a writer does at the same time.

Commits need no care: `videos` is listed before the other tables and written after them, so the rows of a listed video
are listed too. Compaction does: it publishes a file, then removes the files that it replaces. Before it starts, it
writes down in `_compactions/<id>.json` which files each new file will replace. The note takes effect once the new file
exists. Listing a folder is not atomic either, so files are listed three times:

    1. list, 2. read the notes, 3. list (this listing is used), 4. list again;
    accept if all three listings have the same compacted files, else start over.

If a compacted file is in the used listing, it was in the first one. Its note existed before that, and was either read
in step 2 or already removed, and then the replaced files were removed before the used listing. If a compacted file is
not in the last listing, none of the files that it replaces had been removed at the time of the used one. Either way
every row is seen once.
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
    """A file made by compaction, and the files that it replaces."""

    table: str
    by: str
    replaced: tuple[str, ...]


def take_snapshot(store: Store) -> Files:
    """Return the files of every table that together hold each row once.

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
    raise LakeError(f"The lake {store.uri} is being compacted again and again. Try later.")


def notes(store: Store) -> list[Replacement]:
    """Read the notes of unfinished compactions."""
    found = []
    for name in store.names(COMPACTIONS):
        try:
            note = json.loads(store.read(f"{COMPACTIONS}/{name}"))
        except FileNotFoundError:
            continue
        found += [Replacement(each["table"], each["by"], tuple(each["replaced"])) for each in note["files"]]
    return found


def without_replaced(files: Files, replacements: list[Replacement]) -> Files:
    """Leave out the files that a published compacted file replaces."""
    replaced = {(each.table, name) for each in replacements if each.by in files[each.table] for name in each.replaced}
    return {table: tuple(name for name in names if (table, name) not in replaced) for table, names in files.items()}


def _list(store: Store) -> dict[str, tuple[str, ...]]:
    order = ("videos", *(table for table in TABLE_NAMES if table != "videos"))
    return {table: tuple(name for name in store.names(table) if _is_data(name)) for table in order}


def _is_data(name: str) -> bool:
    return name.endswith(".parquet") and not name.startswith(("_", "."))


def _compacted(files: Files) -> set[tuple[str, str]]:
    return {(table, name) for table, names in files.items() for name in names if is_compact(name)}
