"""Snapshots: the files of all tables at one version of the lake, and the changes that lead from one to the next.

Both are written to the lake's log as JSON (see `pipeline.lake.log`).
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from pipeline.lake.layout import is_pending
from schemas.tables import TABLE_NAMES


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of a table."""

    table: str
    name: str
    schema: str
    """Key in `Snapshot.schemas`."""
    rows: int
    size_bytes: int | None
    """None in a lake of an older format."""
    holds: Mapping[str, int] = field(default_factory=dict)
    """Rows by shard, by run in `runs` and `sources`, by video in `forgotten`. Older versions wrote it only in `videos`
    of the tables of videos."""

    @property
    def path(self) -> str:
        """Path in the lake."""
        return f"{self.table}/{self.name}"


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit does to the list of files. All of it takes effect at once."""

    operation: str
    """`commit`, `compact`, `rows`, `forget`, `upgrade`, or `fence`: unpublished files of other writers were removed."""
    added: Sequence[DataFile] = ()
    removed: Sequence[DataFile] = ()
    schemas: Mapping[str, pa.Schema] = field(default_factory=dict)
    """Schemas of the added files, by key."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of every table that together hold each row once."""

    version: int
    files: Mapping[str, Mapping[str, DataFile]]
    """By table and name, in the order of publishing."""
    schemas: Mapping[str, pa.Schema]

    def of(self, table: str) -> list[DataFile]:
        """Return the files of a table."""
        return list(self.files[table].values())

    def count(self) -> int:
        """Return the number of files of all tables."""
        return sum(len(files) for files in self.files.values())

    def has(self, files: Iterable[DataFile]) -> bool:
        """Return whether all these files are part of it."""
        return all(file.name in self.files[file.table] for file in files)

    @property
    def forgotten(self) -> frozenset[str]:
        """Videos that were forgotten."""
        return _videos(self.of("forgotten"))

    @property
    def pending(self) -> frozenset[str]:
        """Videos that were forgotten, and are not yet removed from all files."""
        return _videos(file for file in self.of("forgotten") if is_pending(file.name))

    def with_pending(self) -> "Snapshot":
        """Return the snapshot as it was before its pending videos were forgotten."""
        done = {file.name: file for file in self.of("forgotten") if not is_pending(file.name)}
        return replace(self, files={**self.files, "forgotten": done})

    def after(self, changes: Iterable[Change], version: int) -> "Snapshot":
        """Return the snapshot after some changes."""
        files = {table: dict(named) for table, named in self.files.items()}
        schemas = dict(self.schemas)
        for change in changes:
            for gone in change.removed:
                files[gone.table].pop(gone.name, None)
            for new in change.added:
                files[new.table][new.name] = new
            schemas.update(change.schemas)
        return Snapshot(version, files, schemas)


def _videos(tombstones: Iterable[DataFile]) -> frozenset[str]:
    return frozenset(video_id for file in tombstones for video_id in file.holds)


EMPTY = Snapshot(0, {table: {} for table in TABLE_NAMES}, {})


def schema_key(schema: pa.Schema) -> str:
    """Return the key of a schema, a digest of it with its metadata."""
    return hashlib.sha256(schema.serialize().to_pybytes()).hexdigest()[:12]


def change_to_json(change: Change) -> bytes:
    """Write a change as JSON."""
    return json.dumps(
        {
            "operation": change.operation,
            "id": change.id,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "add": _files_to_json(change.added),
            "remove": _files_to_json(change.removed),
            "schemas": _schemas_to_json(change.schemas),
        }
    ).encode()


def change_from_json(content: bytes) -> Change:
    """Read a change."""
    read = json.loads(content)
    added, removed = _files_from_json(read["add"]), _files_from_json(read["remove"])
    return Change(read["operation"], added, removed, _schemas_from_json(read["schemas"]), read["id"])


def snapshot_to_json(snapshot: Snapshot) -> bytes:
    """Write a snapshot as JSON, with the schemas that its files need."""
    files = [file for named in snapshot.files.values() for file in named.values()]
    used = {file.schema for file in files}
    schemas = {key: schema for key, schema in snapshot.schemas.items() if key in used}
    return json.dumps({"files": _files_to_json(files), "schemas": _schemas_to_json(schemas)}).encode()


def snapshot_from_json(content: bytes, version: int) -> Snapshot:
    """Read a snapshot."""
    read = json.loads(content)
    whole = Change("", _files_from_json(read["files"]), (), _schemas_from_json(read["schemas"]))
    return EMPTY.after([whole], version)


def _files_to_json(files: Iterable[DataFile]) -> dict[str, list[list[Any]]]:
    by_table: dict[str, list[list[Any]]] = {}
    for file in files:
        row = [file.name, file.schema, file.rows, file.size_bytes, dict(file.holds)]
        by_table.setdefault(file.table, []).append(row)
    return by_table


def _files_from_json(by_table: Mapping[str, list[list[Any]]]) -> list[DataFile]:
    return [DataFile(table, *row) for table, rows in by_table.items() for row in rows]


def _schemas_to_json(schemas: Mapping[str, pa.Schema]) -> dict[str, str]:
    return {key: base64.b64encode(schema.serialize().to_pybytes()).decode() for key, schema in schemas.items()}


def _schemas_from_json(schemas: Mapping[str, str]) -> dict[str, pa.Schema]:
    return {key: pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))) for key, text in schemas.items()}
