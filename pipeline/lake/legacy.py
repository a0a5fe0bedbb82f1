"""Lakes of format 1 and 2, which had no log: the files in the folders of the tables were the lake.

A file of a shard was named `<revision8>-<shard>.parquet` in every table, and counted once the one in `videos` existed,
which was written last. A compacted file replaced others as a note in `_compactions/` said, from the moment it existed.
Such a lake is read as it is, and the first writer gives it a log.
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.layout import MARKER, REVISION_LENGTH, RUN_TABLES, group_of, is_compact
from pipeline.lake.snapshot import EMPTY, Change, DataFile, Snapshot, schema_key
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import TABLE_NAMES

COMPACTIONS = "_compactions"
_ATTEMPTS = 100
_THREADS = 16

_Names = Mapping[str, tuple[str, ...]]
"""File names by table."""


def lake_format(store: Store) -> int:
    """Return the format of a lake, as its marker states it."""
    return int(json.loads(store.read(MARKER))["format"])


def legacy_snapshot(store: Store) -> Snapshot:
    """Return the files that make up a lake without a log, for readers.

    While a Videolake of an older version compacts, listings may be inconsistent. Three of them with the same compacted
    files, and the notes read between the first two, hold every row once.

    Raises:
        LakeError: Compaction changed the lake faster than it could be listed.
    """
    before = _list(store)
    for _ in range(_ATTEMPTS):
        notes = _notes(store)
        names = _list(store)
        after = _list(store)
        if _compacted(before) == _compacted(names) == _compacted(after):
            return _snapshot(store, _without_replaced(names, notes))
        before = after
    raise LakeError(f"The lake {store.uri} is being compacted again and again. Try later.")


def log_of(store: Store) -> Change:
    """Return the first entry of the log of a lake that had none. The caller is its only writer."""
    found = legacy_snapshot(store)
    files = [file for table in TABLE_NAMES for file in found.of(table)]
    with ThreadPoolExecutor(_THREADS) as threads:
        known = list(threads.map(lambda file: _looked_at(store, file), files))
    schemas = {key: schema for _, key, schema in known}
    return Change("upgrade", _published([file for file, _, _ in known]), (), schemas)


def _published(files: Iterable[DataFile]) -> list[DataFile]:
    """Leave out the files of shards that were never committed."""
    files = list(files)
    committed = {shard for file in files if file.table == "videos" for shard in file.holds}
    return [file for file in files if file.table in RUN_TABLES or is_compact(file.name) or _shard(file) in committed]


def _shard(file: DataFile) -> str:
    return file.name.removesuffix(".parquet")[REVISION_LENGTH + 1 :]


def _looked_at(store: Store, file: DataFile) -> tuple[DataFile, str, pa.Schema]:
    size_bytes = store.size(file.path)
    with store.parquet(file.path) as opened:
        schema, rows, holds = opened.schema_arrow, opened.metadata.num_rows, {}
        by = {"videos": "shard", "runs": "run_id"}.get(file.table)
        if by and rows:
            counts = pc.value_counts(opened.read(columns=[by]).column(0).combine_chunks())
            holds = {each["values"].as_py(): each["counts"].as_py() for each in counts}
    key = schema_key(schema)
    return replace(file, schema=key, rows=rows, size_bytes=size_bytes, holds=holds), key, schema


def _snapshot(store: Store, names: _Names) -> Snapshot:
    """Open one file of each revision, which share a schema, and every file of the run tables, which may not."""
    added, schemas = [], {}
    keys: dict[tuple[str, str], str] = {}
    for table, files in names.items():
        for name in files:
            group = (table, group_of(table, name) or name)
            if group not in keys:
                schema = store.schema(f"{table}/{name}")
                keys[group] = schema_key(schema)
                schemas[keys[group]] = schema
            added.append(DataFile(table, name, keys[group], 0, None))
    return EMPTY.after([Change("", added, (), schemas)], 0)


def _notes(store: Store) -> list[tuple[str, str, list[str]]]:
    """Return the table, the compacted file and the files that it replaces, from the notes of unfinished compactions."""
    found = []
    for name in store.names(COMPACTIONS):
        try:
            note = json.loads(store.read(f"{COMPACTIONS}/{name}"))
        except FileNotFoundError:
            continue
        found += [(each["table"], each["by"], each["replaced"]) for each in note["files"]]
    return found


def _without_replaced(names: _Names, notes: list[tuple[str, str, list[str]]]) -> _Names:
    replaced = {(table, name) for table, by, old in notes if by in names[table] for name in old}
    return {table: tuple(name for name in files if (table, name) not in replaced) for table, files in names.items()}


def _list(store: Store) -> dict[str, tuple[str, ...]]:
    order = ("videos", *(table for table in TABLE_NAMES if table != "videos"))
    return {
        table: tuple(name for name in store.names(table) if name.endswith(".parquet") and name[0] not in "_.")
        for table in order
    }


def _compacted(names: _Names) -> set[tuple[str, str]]:
    return {(table, name) for table, files in names.items() for name in files if is_compact(name)}
