"""A lake: a folder of Parquet tables about videos. One writer, many readers."""

import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar

import duckdb
import pyarrow as pa

from pipeline.lake import cleaning, commit, compaction, forgetting, query, staging, tombstones
from pipeline.lake.corrections import Corrections, correction_rows
from pipeline.lake.derived import DerivedFiles
from pipeline.lake.held import Held, held, resolve
from pipeline.lake.layout import LAKE_FORMAT, MARKER, REPORTS, SEARCH, TEMPORARY, checked, run_file
from pipeline.lake.lock import StillHeld, writer_lock
from pipeline.lake.log import Log, StillFits, replaces
from pipeline.lake.parquet import merge
from pipeline.lake.rows import table_of
from pipeline.lake.snapshot import Change, DataFile, Snapshot, schema_key
from pipeline.lake.store import Store
from pipeline.lake.video_rows import VideoRows
from pipeline.locations import location_of
from schemas.corrections import Correction, corrections_digest
from schemas.errors import LakeError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_PROCESSED = """
WITH rows AS (
    SELECT video_id, shard, uri, duration_s, subtitle_files, corrections_digest, coalesce(
        list_aggregate([concat_ws(' ', each.name, each.revision, each.error) FOR each IN stages], 'string_agg', ','),
        revision
    ) AS stages
    FROM all_videos
), kinds AS (
    SELECT video_id, shard, string_agg(DISTINCT kind, ',' ORDER BY kind) AS kinds FROM all_errors GROUP BY ALL
)
SELECT newest.video_id,
    newest.shard AS shard,
    CASE WHEN current.status = 'ok' THEN current.shard END AS made_by,
    CASE WHEN current.status = 'ok' THEN made.stages END AS made,
    CASE WHEN newest.status = 'failed' THEN tried.stages END AS tried,
    CASE WHEN newest.status = 'failed' THEN kinds.kinds END AS kinds,
    made.uri AS uri,
    made.duration_s AS duration_s,
    made.subtitle_files AS subtitle_files,
    made.corrections_digest AS corrected_with,
    false AS forgotten
FROM lake.states AS newest
JOIN lake.states AS current ON newest.video_id = current.video_id AND current.is_best
JOIN rows AS made ON current.video_id = made.video_id AND current.shard = made.shard
JOIN rows AS tried ON newest.video_id = tried.video_id AND newest.shard = tried.shard
LEFT JOIN kinds ON newest.video_id = kinds.video_id AND newest.shard = kinds.shard
WHERE newest.is_newest
UNION ALL BY NAME
SELECT video_id, true AS forgotten FROM forgotten
ORDER BY video_id
"""

_KEPT_REPORTS = 50
_RUN_PATIENCE_S = 1800.0
_INVALIDATING = frozenset({"fence", "forget"})
"""Operations of others after which rows are made again: they may hold some of a video that was forgotten."""


class Lake:
    """Tables about videos in a folder or on an object store.

    Any number of processes may read while one writes. Instances are small, can be pickled, and hold no open files.

    Args:
        uri: Local path, `file://`, `memory://`, `s3://` or any other URI that fsspec or Arrow knows.

    Raises:
        LakeError: There is no lake, or a newer Videolake made it.
    """

    def __init__(self, uri: str) -> None:
        self._store = Store(uri)
        self._log = Log(self._store)
        self._reader = query.Reader(self._log)
        self._video_rows = VideoRows(self._log)
        self._corrections = Corrections(self._log)
        self._compacting = threading.Lock()
        self._still_held: StillHeld | None = None
        self.uri = self._store.absolute_uri
        """Location of the lake; absolute, so that it means the same in every process."""
        _check_marker(self._store)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as the URI."""
        return (type(self), (self.uri,))

    @classmethod
    def create(cls, uri: str) -> Self:
        """Open a lake for writing; create it if it does not exist.

        Raises:
            LakeError: The folder holds other files, cannot be written, or a newer Videolake made it.
        """
        store = Store(uri)
        if not store.exists(MARKER):
            _check_empty(store)
            store.write_new(MARKER, json.dumps({"format": LAKE_FORMAT}).encode())
        return cls(uri)

    @classmethod
    @contextmanager
    def preview(cls, uri: str) -> Iterator[Self]:
        """Yield the lake that a run would write, to read from it: an empty one elsewhere if it does not exist yet.

        Raises:
            LakeError: As `create` would.
        """
        store = Store(uri)
        if store.exists(MARKER):
            yield cls(uri)
            return
        _check_empty(store)
        with TemporaryDirectory(prefix="videolake-") as folder:
            yield cls.create(str(Path(folder, "lake")))

    def stage(self, shard: str, video_id: str, tables: Mapping[str, pa.Table]) -> None:
        """Stage the rows of one video until its shard is committed. Any process or machine may call it.

        Args:
            shard: Commit that the rows belong to (see `shard_id`).
            video_id: The video.
            tables: The result of `video_tables` or `failure_tables`.

        Raises:
            LakeError: A table is missing, or the lake cannot be written.
        """
        staging.stage(self._store, shard, video_id, tables)

    def begin_attempt(self, shard: str, video_id: str, node: str) -> tuple[str, list[str]]:
        """Note the start of an analysis, so that a video that kills its workers is detected and given up.

        Args:
            shard: Commit that the rows will belong to.
            video_id: The video.
            node: Id of the machine that analyses it.

        Returns:
            The id of this attempt, and the node of each earlier one of the same shard; empty for excused ones.
        """
        return staging.begin_attempt(self._store, shard, video_id, node)

    def unpublished(self) -> int:
        """Return how many videos are staged: analysed by a run that is still running, or that was killed."""
        return sum(len(staging.staged(self._store, shard)) for shard in staging.staged_shards(self._store))

    def excuse_attempt(self, shard: str, video_id: str, attempt: str) -> None:
        """Note that an attempt ended for a reason other than its video."""
        staging.excuse_attempt(self._store, shard, video_id, attempt)

    def staged_rows(self, shard: str, video_id: str, table: str) -> list[dict[str, Any]] | None:
        """Return the staged rows of a video in one table; None if the video is not completely staged."""
        return staging.staged_rows(self._store, shard, video_id, table)

    def staged(self, shard: str) -> set[str]:
        """Return the videos of a shard that are completely staged."""
        return staging.staged(self._store, shard)

    def commit(self, shard: str, revision: str, videos: Collection[str] | None = None) -> int:
        """Publish the staged videos of a shard at once. Repeating it changes nothing.

        Args:
            shard: The commit.
            revision: Revision of its rows.
            videos: Videos that the commit promises; None: those that are staged. If one of them is missing, nothing
                is published.

        Returns:
            Number of videos of the shard in the lake, including failed ones.

        Raises:
            StagingError: Videos are not staged, or their staged rows are damaged or do not belong to the shard and
                were dropped. Analyse them again.
            LakeError: The lake cannot be written.
        """
        self._log.upgrade()
        published = commit.commit(self._log, shard, revision, videos)
        self._compact_if_due()
        return published

    def clean(self) -> cleaning.Cleaned:
        """Clean up before a run: publish what a killed run had finished, and remove what it left unfinished.

        Videos whose forgetting was interrupted are removed.
        """
        with self.lock():
            cleaned = cleaning.clean(self._log)
            forgetting.purge(self._log)
            return cleaned

    def compact(self, *, target_bytes: int = compaction.TARGET_BYTES) -> compaction.Compacted:
        """Merge small files into files of about `target_bytes`, and drop superseded rows. Readers are not affected."""
        with self.lock():
            self.clean()
            return compaction.compact(self._log, target_bytes=target_bytes)

    def held(self, videos: Sequence[str]) -> list[Held]:
        """Return what the lake holds of some videos, such as the number of rows that `forget` would remove.

        Args:
            videos: Each by id, the start of an id, file name, path or URI. A video that no view shows goes by its id.

        Raises:
            LakeError: No video has this name, or several have it.
        """

        def look(connection: duckdb.DuckDBPyConnection) -> list[Held]:
            ids = dict.fromkeys(resolve(connection, video) for video in videos)
            return held(connection, self._log.snapshot(), list(ids))

        return query.read(self._log, look, moments=False, pending=True)

    def forget(
        self, videos: Sequence[str], *, clear_index: forgetting.ClearIndex | None = None
    ) -> forgetting.Forgotten:
        """Remove every byte of some videos from the lake's files, and keep later runs from bringing them back.

        Readers stop seeing them at once. If this is interrupted, the next `clean` does the rest, and so does the next
        run. Readers of an older state start again, because the files that held the videos are deleted.

        Args:
            videos: As for `held`. Ids that are forgotten already do no harm.
            clear_index: Removes videos from the search index, as `pipeline.search.remove_from_index` does. Without it,
                the whole index is removed; search works without.

        Raises:
            LakeError: No video has this name, or several have it; or the lake cannot be written, or another writer
                holds it.
        """
        with self.lock():
            cleaning.clean(self._log)
            before = self.forgotten()
            found = self.held([video for video in videos if video not in before])
            forgetting.hide(self._log, found)
            return forgetting.purge(self._log, found, clear_index=clear_index)

    def forgotten(self) -> frozenset[str]:
        """Return the ids of the videos that were forgotten. The lake knows nothing else of them."""
        return self._log.snapshot().forgotten

    def undo_forget(self, videos: Collection[str]) -> None:
        """Let later runs analyse videos again that were forgotten. Nothing that was removed comes back.

        Args:
            videos: Ids.

        Raises:
            LakeError: A video was not forgotten; or the lake cannot be written, or another writer holds it.
        """
        with self.lock():
            self.clean()
            if unknown := sorted(set(videos) - self.forgotten()):
                raise LakeError(f"{unknown[0]} is no video that the lake {self.uri} has forgotten.")
            tombstones.remove_tombstones(self._log, videos)

    @contextmanager
    def lock(
        self,
        *,
        single_writer: bool = False,
        brief: bool = False,
        waiting: Callable[[str], None] = logger.warning,
    ) -> Iterator[None]:
        """Hold the writer lock. The same instance may enter it again.

        Args:
            single_writer: Write without a lock where the store cannot provide one (see `lake.single_writer`).
            brief: Whether it is held for a moment only. Other writers then wait for it.
            waiting: Called with a message if it takes a while to see whether another writer is alive.

        Raises:
            LakeError: Another process holds the lock; the message says which.
        """
        if self._still_held:
            self._still_held()
            yield
            return
        with writer_lock(self._store, single_writer=single_writer, brief=brief, waiting=waiting) as still_held:
            self._still_held = self._log.still_held = still_held
            try:
                self._log.upgrade()
                yield
            finally:
                self._still_held = self._log.still_held = None

    @contextmanager
    def patiently(self, patience_s: float = _RUN_PATIENCE_S) -> Iterator[None]:
        """Let requests to an object store be repeated for half an hour, not a minute, so that an outage ends no run.

        Args:
            patience_s: How long, in seconds.
        """
        before, self._store.patience_s = self._store.patience_s, patience_s
        try:
            yield
        finally:
            self._store.patience_s = before

    def write_run(self, row: Mapping[str, Any]) -> None:
        """Record a flow run, and replace an earlier record of it.

        Args:
            row: A value for each column of the table `runs`; without `stages` and `stage_video_s`, those are unknown.
        """
        row = {"stages": [], "stage_video_s": None} | dict(row)
        self._write_rows("runs", row["run_id"], [row], replace=True)

    def write_report(self, run_id: str, page: str) -> str:
        """Keep the HTML report of a run next to the tables. The lake keeps the last 50 reports.

        Args:
            run_id: The run.
            page: The HTML document.

        Returns:
            The URI of the report.
        """
        name = f"{REPORTS}/{checked(run_id)}.html"
        self._store.write(name, page.encode())
        # Names start with the time of the run.
        for old in self._store.names(REPORTS)[:-_KEPT_REPORTS]:
            self._store.remove(f"{REPORTS}/{old}")
        return Path(self._store.path(name)).as_uri() if self._store.local else f"{self.uri.rstrip('/')}/{name}"

    def reports(self) -> list[str]:
        """Return the ids of the runs with reports, the newest first."""
        names = self._store.names(REPORTS)
        return [name.removesuffix(".html") for name in reversed(names) if name.endswith(".html")]

    def read_report(self, run_id: str) -> str:
        """Return the report of one of the runs in `reports`.

        Raises:
            LakeError: There is no such report.
        """
        try:
            return self._store.read(f"{REPORTS}/{checked(run_id)}.html").decode(errors="replace")
        except OSError as error:
            raise LakeError(f"The lake {self.uri} has no report of the run {run_id}: {error}") from error

    @property
    def search_files(self) -> DerivedFiles:
        """The files of the search index (see `pipeline.search.manifest`)."""
        return DerivedFiles(self._store, SEARCH, self.uri)

    def write_sources(self, run_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Record the content that a run found at each new or changed location.

        Args:
            run_id: The run.
            rows: In the columns of the table `sources`. Without `etag` and `digest`, those are unknown; without
                `missing_since`, the file is there.
        """
        rows = [{"etag": None, "digest": None, "missing_since": None} | dict(row) for row in rows]
        self._write_rows("sources", run_id, rows, replace=False)

    def write_corrections(self, corrections: Sequence[Correction], *, single_writer: bool = False) -> None:
        """Record corrections. They are durable when this returns, whether or not a run is writing the lake.

        Where the store cannot refuse a second writer, and in a lake of an older format, this takes the writer lock.

        Args:
            corrections: At least one. Repeating a write changes nothing.
            single_writer: Write without a lock where the store cannot provide one (see `lake.single_writer`).

        Raises:
            LakeError: The lake cannot be written.
        """
        rows = correction_rows(corrections)
        exclusive = self._log.legacy() or not (self._store.local or self._store.conditional)
        with self.lock(single_writer=single_writer) if exclusive else nullcontext():
            self._write_rows("corrections", corrections[0].correction_id, rows, replace=False)

    def corrections(self, video_ids: Collection[str] | None = None) -> dict[str, list[Correction]]:
        """Return the corrections of some videos, oldest first; cheap if the lake has none.

        Args:
            video_ids: The videos; None: all.

        Returns:
            By video, for videos that have some. Undone ones are among them: see `schemas.corrections.standing`.
        """
        return self._corrections.read(video_ids)

    def connect(self, *, comments: bool = True) -> duckdb.DuckDBPyConnection:
        """Open the lake in DuckDB, read-only, with the views of `pipeline.lake.views`. The caller closes it.

        Args:
            comments: Whether tables and columns have their comments. They take half of the time to open, and others
                share a connection without them.
        """
        return query.connect(self._log)[0] if comments else self._reader.cursor()

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one SQL query over the views.

        Args:
            statement: The query, with `$name` for each parameter.
            parameters: Values by name.

        Raises:
            LakeError: The query is invalid, or does more than read.
        """
        return self._reader.run(statement, parameters)

    def read(self, work: Callable[[duckdb.DuckDBPyConnection], Answer], *, moments: bool = True) -> Answer:
        """Run several queries on one state of the lake. `work` is called again if that becomes too old.

        Args:
            work: Reads from the connection, which others share, and keeps no reference to it.
            moments: Whether it may use the views and macros about moments, which take a fifth of the time to open.

        Raises:
            LakeError: The lake cannot be read.
        """
        return self._reader.read(work, moments=moments)

    @property
    def state(self) -> str:
        """A value that changes whenever rows change. Cheap to read."""
        return self._log.version()

    def stream(self, statement: str, take: Callable[[pa.RecordBatchReader], Answer]) -> Answer:
        """Run one SQL query and stream its result in batches, for results larger than memory.

        Args:
            statement: The query.
            take: Reads the batches. It is called again with the first batch if the state becomes too old.

        Returns:
            The result of `take`.

        Raises:
            LakeError: The query is invalid, or does more than read.
        """
        return self._reader.stream(statement, take)

    def processed(self) -> pa.Table:
        """Return the state of every video in the lake, for `pipeline.run.Planner`.

        Returns:
            Columns `video_id`; `shard`: shard of its newest attempt, for `shard_id`; `made_by`: shard of its results,
            null without any; `made`: the stages of its results, as in `picture 1f…,sound 2e… crashed` (name, revision
            and kind of error, with commas between), or the revision of the whole analysis if an older version made
            them; `tried`: the same for its newest attempt, null unless that failed; `kinds`: kinds of error of that
            attempt, with commas between; `uri`, `duration_s`: its location and duration when its results were made;
            `subtitle_files`: those beside it then, null if an older version did that; `corrections_changed`: whether
            its results were made with other corrections than it has now; `forgotten`: whether it must not be analysed,
            and all else is null.
        """
        found = self.sql(_PROCESSED)
        digests = {video_id: corrections_digest(events) for video_id, events in self.corrections().items()}
        rows = zip(found["video_id"].to_pylist(), found["corrected_with"].to_pylist(), strict=True)
        changed = [digests.get(video_id) != digest for video_id, digest in rows]
        return found.drop_columns("corrected_with").append_column("corrections_changed", pa.array(changed, pa.bool_()))

    def rows_of(self, video_id: str, shard: str) -> dict[str, pa.Table] | None:
        """Return all rows of a video that one commit wrote, by table, for `analysis_of`; None if there are none.

        It costs about as much in a large lake as in a small one.

        Args:
            video_id: The video.
            shard: The commit, as in `Lake.processed`.

        Raises:
            LakeError: The lake cannot be read.
        """
        return self._video_rows.read(video_id, shard)

    def known_sources(self) -> pa.Table:
        """Return the newest row of every location in `sources`, also of those whose file is gone."""
        return self.sql("FROM sources")

    def video_ids(self) -> list[str]:
        """Return the id of every video in the lake, also of those whose files are gone."""
        ids: list[str] = self.sql("SELECT DISTINCT video_id FROM all_videos")["video_id"].to_pylist()
        return ids

    def _write_rows(self, table: str, run_id: str, rows: Sequence[Mapping[str, Any]], *, replace: bool) -> None:
        self._log.upgrade()

        def propose(snapshot: Snapshot) -> tuple[Change, StillFits] | None:
            allowed = [row for row in rows if row.get("video_id") not in snapshot.forgotten]
            if not allowed:
                return None
            written = table_of(table, allowed)
            name = run_file(run_id)
            with self._store.publish(f"{table}/{name}") as path:
                merge([written], path, written.schema)
                size_bytes = path.stat().st_size
            key = schema_key(written.schema)
            made = DataFile(table, name, key, len(allowed), size_bytes, {run_id: len(allowed)})
            old = [file for file in snapshot.of(table) if replace and set(file.holds) == {run_id}]
            return Change("rows", [made], old, {key: written.schema}), replaces(old, unless=_INVALIDATING)

        published = self._log.publish(propose)
        if published:
            cleaning.set_aside(self._store, [file.path for file in published.removed])
            if table != "corrections":  # those are written beside a run; the next commit compacts
                self._compact_if_due()

    def _compact_if_due(self) -> None:
        """Merge small files. Whatever goes wrong, the rows are published; a later commit tries again."""
        if not self._compacting.acquire(blocking=False):
            return
        try:
            compaction.compact_if_due(self._log)
        except (LakeError, OSError, duckdb.Error) as error:
            logger.warning("Cannot merge small files of the lake %s: %s", self.uri, error)
        finally:
            self._compacting.release()


def is_lake(uri: str) -> bool:
    """Return whether there is a lake, of any version."""
    return location_of(uri) == uri and Store(uri).exists(MARKER)  # the path of a lake is UTF-8


def _check_empty(store: Store) -> None:
    # A killed process leaves `_tmp`, and another one may have made the lake just now.
    others = [name for name in store.names() if not name.startswith(".") and name not in {TEMPORARY, MARKER}]
    if others:
        raise LakeError(
            f"{store.uri} is not a lake but holds {', '.join(others[:3])}{' and more' if others[3:] else ''}. "
            "Name an empty or new folder."
        )


def _check_marker(store: Store) -> None:
    try:
        marker = json.loads(store.read(MARKER))
    except FileNotFoundError as error:
        message = f"There is no lake at {store.uri}. `videolake run ARCHIVE --lake {store.uri}` creates one."
        raise LakeError(message) from error
    except (OSError, ValueError) as error:
        raise LakeError(f"The lake {store.uri} cannot be read: {error}") from error
    if marker["format"] > LAKE_FORMAT:
        raise LakeError(
            f"The lake {store.uri} has format {marker['format']}, and this Videolake reads up to {LAKE_FORMAT}. "
            "Install a newer Videolake."
        )
