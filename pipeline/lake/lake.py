"""A lake: a folder of Parquet tables about videos, with one way to write it and many to read."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb
import pyarrow as pa

from pipeline.lake import cleaning, commit, compaction, query, staging
from pipeline.lake.derived import DerivedFiles
from pipeline.lake.layout import MARKER, REPORTS, SEARCH, checked
from pipeline.lake.lock import writer_lock
from pipeline.lake.parquet import write_table
from pipeline.lake.rows import table_of
from pipeline.lake.store import Store
from pipeline.lake.views import quoted
from schemas.errors import LakeError
from schemas.tables import FORMAT_VERSION

Answer = TypeVar("Answer")

_PROCESSED = """
SELECT newest.video_id,
    CASE
        WHEN current.status = 'ok' AND current.revision = {revision} THEN 'ok'
        WHEN newest.status = 'failed' AND newest.revision = {revision} THEN 'failed'
        ELSE 'outdated'
    END AS status,
    errors.kind AS kind,
    newest.shard AS shard
FROM lake.states AS newest
JOIN lake.states AS current ON newest.video_id = current.video_id AND current.is_current
LEFT JOIN all_errors AS errors ON newest.video_id = errors.video_id AND newest.shard = errors.shard
WHERE newest.is_newest
ORDER BY newest.video_id
"""

_KEPT_REPORTS = 50


class Lake:
    """Tables about videos in a folder or on an object store.

    Any number may read while one writes. Instances are small, can be pickled, and hold nothing open.

    Args:
        uri: Local path, `file://`, `memory://`, `s3://` or what else fsspec or Arrow knows.

    Raises:
        LakeError: There is no lake, or a newer Videolake made it.
    """

    def __init__(self, uri: str) -> None:
        self._store = Store(uri)
        self._locked = False
        self.uri = self._store.absolute_uri
        """Where the lake is; absolute, so that it means the same in every process."""
        _check_marker(self._store)

    def __reduce__(self) -> tuple[object, ...]:
        """Travel as the URI."""
        return (type(self), (self.uri,))

    @classmethod
    def create(cls, uri: str) -> Self:
        """Open a lake for writing; make one where there is none.

        Raises:
            LakeError: The folder holds something else, cannot be written, or a newer Videolake made it.
        """
        store = Store(uri)
        if not store.exists(MARKER):
            others = [name for name in store.names() if not name.startswith(".")]
            if others:
                raise LakeError(
                    f"{uri} is no lake but holds {', '.join(others[:3])}{' and more' if others[3:] else ''}. "
                    "Name an empty or a new folder."
                )
            store.write(MARKER, json.dumps({"format": FORMAT_VERSION}).encode())
        return cls(uri)

    def stage(self, shard: str, video_id: str, tables: Mapping[str, pa.Table]) -> None:
        """Keep one video's rows until its shard is committed; from any process or machine that reaches the lake.

        Args:
            shard: Commit that the rows belong to (see `shard_id`).
            video_id: The video.
            tables: What `video_tables` or `failure_tables` made.

        Raises:
            LakeError: A table is missing, or the lake cannot be written.
        """
        staging.stage(self._store, shard, video_id, tables)

    def begin_attempt(self, shard: str, video_id: str, now: datetime) -> list[datetime]:
        """Note that an analysis begins, and return when earlier ones of the same shard began that never ended.

        Args:
            shard: Commit that the rows will belong to.
            video_id: The video.
            now: With a time zone.
        """
        return staging.begin_attempt(self._store, shard, video_id, now)

    def staged(self, shard: str) -> set[str]:
        """Return the videos of a shard that are staged completely."""
        return staging.staged(self._store, shard)

    def commit(self, shard: str, revision: str) -> int:
        """Publish the staged videos of a shard at once; repeating it changes nothing.

        Args:
            shard: The commit.
            revision: Revision of its rows.

        Returns:
            Number of videos that the shard holds in the lake, failed ones included.

        Raises:
            LakeError: Nothing of the shard is staged, or its rows are of another revision.
        """
        return commit.commit(self._store, shard, revision)

    def clean(self) -> cleaning.Cleaned:
        """Put the lake in order before a run: publish what a killed run had finished, remove what it left half done."""
        with self.lock():
            return cleaning.clean(self._store)

    def compact(self, *, target_bytes: int = compaction.TARGET_BYTES) -> compaction.Compacted:
        """Merge small files to about `target_bytes`, and drop superseded rows. Not while shards are being committed."""
        with self.lock():
            return compaction.compact(self._store, target_bytes=target_bytes)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the one writer; on local disk. Entering it again through the same instance is fine.

        Raises:
            LakeError: Another writer holds the lake; the message says which.
        """
        if self._locked:
            yield
            return
        with writer_lock(self._store):
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def write_run(self, row: Mapping[str, Any]) -> None:
        """Record a flow run, in place of what was recorded of it before.

        Args:
            row: A value for each column of the table `runs`.
        """
        self._write_rows("runs", row["run_id"], [row])

    def write_report(self, run_id: str, page: str) -> str:
        """Keep a run's report, HTML for people, beside the tables; the last 50 stay.

        Args:
            run_id: The run.
            page: The document.

        Returns:
            Where it is, as a URI.
        """
        name = f"{REPORTS}/{checked(run_id)}.html"
        self._store.write(name, page.encode())
        # Names begin with the time of the run.
        for old in self._store.names(REPORTS)[:-_KEPT_REPORTS]:
            self._store.remove(f"{REPORTS}/{old}")
        return Path(self._store.path(name)).as_uri() if self._store.local else f"{self.uri.rstrip('/')}/{name}"

    def reports(self) -> list[str]:
        """Return the ids of the runs whose reports are kept, the newest first."""
        names = self._store.names(REPORTS)
        return [name.removesuffix(".html") for name in reversed(names) if name.endswith(".html")]

    def read_report(self, run_id: str) -> str:
        """Return the report of a run, one of `reports`.

        Raises:
            LakeError: There is none.
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
        """Record where a run found which content, for files that are new or changed.

        Args:
            run_id: The run.
            rows: In the columns of the table `sources`.
        """
        self._write_rows("sources", run_id, rows)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the lake in DuckDB, read only, with the views of `pipeline.lake.views`; close it after use."""
        return query.connect(self._store)[0]

    def sql(self, statement: str) -> pa.Table:
        """Answer one SQL query over the views.

        Raises:
            LakeError: The query is wrong, or would do something else than read.
        """
        return query.run_query(self._store, statement)

    def read(self, work: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Do several queries on the lake as it is now; `work` may be called again where compaction comes between.

        Args:
            work: Reads from the connection, and keeps nothing of it.

        Raises:
            LakeError: The lake cannot be read.
        """
        return query.read(self._store, work)

    @property
    def state(self) -> tuple[str, ...]:
        """What changes whenever the rows of videos do: cheap to ask, to be compared with what it was before."""
        return tuple(self._store.names("videos"))

    def stream(self, statement: str, take: Callable[[pa.RecordBatchReader], Answer]) -> Answer:
        """Answer one SQL query batch by batch, for answers larger than memory.

        Args:
            statement: The query.
            take: Takes the batches; called again, from the first one, if compaction comes between.

        Returns:
            What `take` returns.

        Raises:
            LakeError: The query is wrong, or would do something else than read.
        """
        return query.stream_query(self._store, statement, take)

    def processed(self, revision: str) -> pa.Table:
        """Return what became of every video the lake knows, as a run at this revision has to see it.

        Args:
            revision: Revision of the run.

        Returns:
            Columns `video_id`; `status`: `ok` (nothing to do), `failed` (its newest attempt was at this revision), or
            `outdated` (to be analysed); `kind`: why its newest attempt failed, null if that was ok; `shard`: of its
            newest attempt, for `shard_id`.
        """
        return self.sql(_PROCESSED.format(revision=quoted(revision)))

    def known_sources(self) -> pa.Table:
        """Return `uri`, `size_bytes`, `mtime_ns`, `video_id` of every place whose content is known."""
        return self.sql("SELECT uri, size_bytes, mtime_ns, video_id FROM sources")

    def _write_rows(self, table: str, run_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        written = table_of(table, rows)
        with self._store.publish(f"{table}/{checked(run_id)}.parquet") as path:
            write_table(written, path)


def is_lake(uri: str) -> bool:
    """Tell whether there is a lake, of whatever version."""
    return Store(uri).exists(MARKER)


def _check_marker(store: Store) -> None:
    try:
        marker = json.loads(store.read(MARKER))
    except FileNotFoundError as error:
        message = f"There is no lake at {store.uri}. `videolake run ARCHIVE --lake {store.uri}` makes one."
        raise LakeError(message) from error
    except (OSError, ValueError) as error:
        raise LakeError(f"The lake {store.uri} cannot be read: {error}") from error
    if marker["format"] > FORMAT_VERSION:
        raise LakeError(
            f"The lake {store.uri} has format {marker['format']}, and this Videolake reads up to {FORMAT_VERSION}. "
            "Install a newer Videolake."
        )
