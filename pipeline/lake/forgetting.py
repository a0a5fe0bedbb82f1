"""Forget videos: hide them at once, and then remove every byte of them from the lake's files.

1. Their ids become rows of `forgotten`, in a file whose name says that they are pending. From this entry of the log on,
   readers do not see the videos, and commits leave them out.
2. `purge` removes what is staged of them, reports that mention them, and their part of the search index.
3. It rewrites the files of all tables that hold rows of them. One entry of the log replaces all these files.
4. It deletes the old files, and all that were set aside for readers of older snapshots. Those readers start again.
5. The rows of `forgotten` move to a file that is not pending.

After a kill at any moment, `purge` does the rest. It is part of every clean-up, and so of the next run.
"""

import html
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.cleaning import remove_orphans
from pipeline.lake.held import Held, held, rows_by_file, vacated
from pipeline.lake.layout import REPLACED, REPORTS, SEARCH
from pipeline.lake.log import Log, StillFits, replaces
from pipeline.lake.query import open_engine, read
from pipeline.lake.rewriting import Keep, rewrite
from pipeline.lake.snapshot import Change, DataFile, Snapshot
from pipeline.lake.staging import remove_staged, staged_shards
from pipeline.lake.store import Store
from pipeline.lake.text import file_name
from pipeline.lake.tombstones import add_tombstones, settle_tombstones
from pipeline.lake.views import scan

logger = logging.getLogger(__name__)

ClearIndex = Callable[[frozenset[str]], int]
"""Removes videos from the search index, and returns the number of its segments that held them."""

_REDACTED = "(forgotten)"
"""Replaces the location of a forgotten video that a run was given by name."""

_RUN_FILES = """
SELECT DISTINCT filename FROM (SELECT filename, unnest(archive) AS root FROM {rows})
WHERE root IN (SELECT unnest($names)) OR parse_filename(root) IN (SELECT unnest($names))
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed to forget some videos."""

    videos: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    """By table, of every revision."""
    files: int = 0
    """Files of tables that were deleted; the rest of their rows is in new ones."""
    bytes: int = 0
    """Size of the deleted files without that of the new ones."""
    staged: int = 0
    """Staged objects, and notes about attempts."""
    reports: int = 0
    segments: int = 0
    """Segments of the search index that were deleted or rebuilt."""


def hide(log: Log, videos: Sequence[Held]) -> None:
    """Hide videos from readers, and keep them out of commits, from now on. `purge` removes them.

    Failures that they hide are forgotten, too, since they would be visible again.
    """
    failures = dict.fromkeys((failed for each in videos for failed in each.failures), False)
    ids = failures | {each.video_id: each.read_whole for each in videos}
    rows = read(log, lambda connection: vacated(connection, log.snapshot(), ids), moments=False) if ids else []
    add_tombstones(log, ids, rows)


def purge(log: Log, known: Sequence[Held] = (), *, clear_index: ClearIndex | None = None) -> Forgotten:
    """Remove the videos that are hidden and still in files. The caller must hold the lock.

    Args:
        log: The lake's log.
        known: What the lake holds of the videos, if that was read already.
        clear_index: Removes videos from the search index; None removes the whole index, which is derived.

    Raises:
        LakeError: The lake cannot be read or written. Call it again.
    """
    store, videos = log.store, log.snapshot().pending
    if not videos:
        return Forgotten()
    if log.still_held:
        log.still_held()
    found = known
    if not videos <= {each.video_id for each in known}:
        found = read(
            log, lambda connection: held(connection, log.snapshot(), sorted(videos)), moments=False, pending=True
        )
    staged = sum(remove_staged(store, shard, set(videos)) for shard in staged_shards(store))
    reports = _remove_reports(store, found)
    segments = clear_index(videos) if clear_index else _remove_index(store)
    rows, removed_bytes = _remove_rows(log, videos, found)
    files = remove_orphans(log, keep=False)
    aside = store.tree(REPLACED)
    removed_bytes += sum(store.size(f"{REPLACED}/{path}") for path in aside)
    store.remove_folder(REPLACED)
    settle_tombstones(log, videos)
    result = Forgotten(len(videos), rows, files + len(aside), removed_bytes, staged, reports, segments)
    logger.info("Forgot videos of the lake: %s", result)
    return result


def _remove_reports(store: Store, videos: Sequence[Held]) -> int:
    """Remove the reports that mention a video, and return their number."""
    names = {name for each in videos for name in each.names}
    removed = 0
    for name in store.names(REPORTS):
        page = html.unescape(store.read(f"{REPORTS}/{name}").decode(errors="replace"))
        if any(each in page for each in names):
            store.remove(f"{REPORTS}/{name}")
            removed += 1
    return removed


def _remove_index(store: Store) -> int:
    segments = len([name for name in store.names(SEARCH) if "." not in name])
    store.remove_folder(SEARCH)
    return segments


def _remove_rows(log: Log, videos: frozenset[str], found: Sequence[Held]) -> tuple[dict[str, int], int]:
    """Replace all files with rows of the videos at once, and return the rows removed by table, and the bytes.

    The old files are no longer part of the lake, and still where they were.
    """
    names = frozenset(name for each in found for uri in each.uris for name in (uri, file_name(uri)))
    keeps = {"runs": _without_names(names)}
    rewritten: list[tuple[DataFile, DataFile]] = []

    def propose(snapshot: Snapshot) -> tuple[Change, StillFits] | None:
        rewritten.clear()
        with closing(open_engine(log.store, snapshot)[0]) as connection:
            old = _files(connection, snapshot, videos, names)
        for file in old:
            keep = keeps.get(file.table) or _without(videos)
            rewritten.append((file, rewrite(log.store, [file], snapshot.schemas[file.schema], keep)))
        log.store.remove_files([new.path for _, new in rewritten if not new.rows])
        kept = [new for _, new in rewritten if new.rows]
        return (Change("forget", kept, old), replaces(old)) if old else None

    log.publish(propose)
    # Nobody adds rows of them: commits look for tombstones, and whoever merges the old files finds them gone.
    removed = Counter[str]()
    for old, new in rewritten:
        removed[old.table] += old.rows - new.rows
    kept_bytes = sum(new.size_bytes or 0 for _, new in rewritten if new.rows)
    removed_bytes = sum(old.size_bytes or 0 for old, _ in rewritten) - kept_bytes
    return {table: rows for table, rows in removed.items() if rows}, removed_bytes


def _files(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, videos: Collection[str], names: Collection[str]
) -> list[DataFile]:
    """Return the files with rows of the videos, and those of runs that were given them by name."""
    found = {file.path: file for file, _, _ in rows_by_file(connection, snapshot, videos)}
    if runs := snapshot.of("runs"):
        query = _RUN_FILES.format(rows=scan(runs, ", filename = true"))
        for (path,) in connection.execute(query, {"names": list(names)}).fetchall():
            file = snapshot.files["runs"][path.rsplit("/", 1)[-1]]
            found[file.path] = file
    return list(found.values())


def _without(videos: frozenset[str]) -> Keep:
    gone = pa.array(sorted(videos), pa.string())
    return lambda rows: rows.filter(pc.invert(pc.is_in(rows["video_id"], value_set=gone)))


def _without_names(names: frozenset[str]) -> Keep:
    def redacted(rows: pa.Table) -> pa.Table:
        archives = [
            [_REDACTED if root in names or file_name(root) in names else root for root in archive]
            for archive in rows["archive"].to_pylist()
        ]
        place = rows.schema.get_field_index("archive")
        field_of = rows.schema.field(place)
        return rows.set_column(place, field_of, pa.array(archives, field_of.type))

    return redacted
