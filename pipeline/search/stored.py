"""Segments of the stored index: how they are written into the lake, and opened from there."""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.lake import Store
from pipeline.models import cache_dir
from pipeline.search.ivf import EXACT_BELOW, IvfIndex, build_ivf
from pipeline.search.lexical import LexicalIndex, build_lexical
from pipeline.search.links import LinkFolder
from pipeline.search.manifest import FOLDER, StoredFile, StoredSegment
from pipeline.search.rows import ROW_SCHEMA, SPACES, Space, Vectors
from pipeline.search.segment import Content, Segment
from pipeline.search.vectors import ExactIndex, VectorIndex
from schemas.errors import SearchIndexError

_KEPT_S = 30 * 24 * 3600.0
"""Since a segment was opened last, after which it may leave the cache."""

_COMMITS = pa.schema([("video_id", pa.string()), ("shard", pa.string())])


def save_segment(store: Store, content: Content) -> StoredSegment:
    """Write a segment into the lake. It counts once a manifest names it.

    Args:
        store: The lake's files.
        content: What was read from the lake's tables.
    """
    name = uuid.uuid4().hex[:16]
    files: dict[str, StoredFile] = {}

    def save(file: str, write: Callable[[Path], object]) -> None:
        with store.publish(f"{FOLDER}/{name}/{file}") as path:
            write(path)
            files[file] = StoredFile.of(path)

    save("rows.arrow", lambda path: _write_arrow(content.rows, path))
    commits = pa.table([list(content.commits), list(content.commits.values())], schema=_COMMITS)
    save("commits.arrow", lambda path: _write_arrow(commits, path))
    for space, vectors in content.vectors.items():
        _save_vectors(space, vectors, save)
    with tempfile.TemporaryDirectory(prefix="videolake-") as folder:
        _, words = build_lexical(content.rows, Path(folder))
        for file in sorted(Path(folder).iterdir()):
            if file.is_file() and not file.name.startswith("."):
                save(f"lexical/{file.name}", lambda path, file=file: shutil.copyfile(file, path))  # type: ignore[misc]
    return StoredSegment(
        name=name, moments=content.rows.num_rows, words=words, models=dict(content.models), files=files
    )


def read_commits(store: Store, segment: StoredSegment) -> dict[str, str]:
    """Return the videos of a segment and the shard of each.

    Raises:
        SearchIndexError: A file of the segment is gone, or not as large as it was; or this one is damaged.
    """
    try:
        changed = [file for file, stated in segment.files.items() if store.size(segment.path(file)) != stated.size]
        with store.open(segment.path("commits.arrow")) as stream:
            commits = _commits_of(pa.ipc.open_file(pa.py_buffer(stream.read())).read_all())
    except (OSError, KeyError, pa.ArrowException) as error:
        raise SearchIndexError(f"The search index of {store.uri} is damaged: {error}.") from error
    if changed:
        raise SearchIndexError(f"The search index of {store.uri} is damaged: {changed[0]} has another size.")
    return commits


def verify_segment(store: Store, segment: StoredSegment) -> None:
    """Compare the files of a segment on local disk with what the manifest says; it reads all of them.

    Raises:
        SearchIndexError: One is not what it was.
    """
    if store.local:
        try:
            _verify(store, segment, Path(store.path(f"{FOLDER}/{segment.name}")))
        except OSError as error:
            raise SearchIndexError(f"The search index of {store.uri} is damaged: {error}.") from error


def open_segment(store: Store, segment: StoredSegment) -> Segment:
    """Open a segment for searching: mapped from local disk, or fetched to the cache from an object store.

    Raises:
        FileNotFoundError: A newer index has taken its place.
        SearchIndexError: It is not what the manifest says.
    """
    folder = Path(store.path(f"{FOLDER}/{segment.name}")) if store.local else _fetched(store, segment)
    _verify(store, segment, folder)
    try:
        rows = _read_rows(folder / "rows.arrow", segment)
        links = LinkFolder(folder / file for file in segment.files if file.startswith("lexical/"))
        return Segment(
            name=segment.name,
            commits=_commits_of(_read_arrow(folder / "commits.arrow")),
            rows=rows,
            words=segment.words,
            lexical=LexicalIndex.open(links.path),
            vectors={space: index for space in SPACES if (index := _open_vectors(folder, segment, space)) is not None},
            models=segment.models,
            links=links,
        )
    except (pa.ArrowException, ValueError, KeyError, EOFError, RuntimeError) as error:
        message = (
            f"The search index of {store.uri} cannot be opened: {error}; `videolake index --rebuild` makes it anew."
        )
        raise SearchIndexError(message) from error


def _save_vectors(space: Space, vectors: Vectors, save: Callable[[str, Callable[[Path], object]], None]) -> None:
    if len(vectors.rows) > EXACT_BELOW:
        save(f"{space}.faiss", lambda path: build_ivf(vectors, path))
    else:
        save(f"{space}.npy", lambda path: _write_array(vectors.matrix, path))
        save(f"{space}.rows.npy", lambda path: _write_array(vectors.rows, path))


def _open_vectors(folder: Path, segment: StoredSegment, space: Space) -> VectorIndex | None:
    if f"{space}.faiss" in segment.files:
        return IvfIndex.open(folder / f"{space}.faiss")
    if f"{space}.npy" in segment.files:
        matrix = np.load(folder / f"{space}.npy", mmap_mode="r", allow_pickle=False)
        rows = np.load(folder / f"{space}.rows.npy", allow_pickle=False)
        if (matrix.dtype, matrix.ndim, rows.dtype, rows.shape) != (np.float32, 2, np.int64, matrix.shape[:1]):
            raise ValueError(f"{space}.npy and {space}.rows.npy do not belong together")
        if len(rows) and not (rows.min() >= 0 and rows.max() < segment.moments):
            raise ValueError(f"{space}.rows.npy names moments that are not there")
        return ExactIndex(Vectors(rows, matrix))
    return None


def _verify(store: Store, segment: StoredSegment, folder: Path) -> None:
    def differs(item: tuple[str, StoredFile]) -> bool:
        path, stated = folder / item[0], item[1]
        return path.stat().st_size != stated.size or StoredFile.of(path) != stated

    if not {"rows.arrow", "commits.arrow"} <= segment.files.keys():
        raise SearchIndexError(f"The manifest of the search index of {store.uri} does not name the files of a segment.")
    # Hashing lets go of Python's lock.
    with ThreadPoolExecutor() as threads:
        for file, wrong in zip(segment.files, threads.map(differs, segment.files.items()), strict=True):
            if wrong:
                raise SearchIndexError(
                    f"{segment.path(file)} in {store.uri} is not what the index's manifest says; "
                    "`videolake index --rebuild` makes it anew."
                )


def _fetched(store: Store, segment: StoredSegment) -> Path:
    """Bring a segment to this machine's cache, once."""
    folder = cache_dir() / "search" / segment.name
    _forget_old(folder.parent)
    for file, stated in segment.files.items():
        target = folder / file
        if target.is_file() and target.stat().st_size == stated.size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as sink, store.open(segment.path(file)) as source:
                shutil.copyfileobj(source, sink)
            Path(scratch).replace(target)
        finally:
            Path(scratch).unlink(missing_ok=True)
    os.utime(folder)
    return folder


def _forget_old(cache: Path) -> None:
    """Remove segments that were not opened for long: each update of an index makes new ones."""
    for folder in cache.iterdir() if cache.is_dir() else ():
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)


def _commits_of(table: pa.Table) -> dict[str, str]:
    return dict(zip(table["video_id"].to_pylist(), table["shard"].to_pylist(), strict=True))


def _write_arrow(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _read_arrow(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _read_rows(path: Path, segment: StoredSegment) -> pa.Table:
    table = _read_arrow(path)
    if not table.schema.equals(ROW_SCHEMA) or table.num_rows != segment.moments:
        raise ValueError(f"{path.name} does not hold the moments that it should")
    table.validate(full=True)
    return table


def _write_array(array: np.ndarray, path: Path) -> None:
    with path.open("wb") as sink:
        np.save(sink, array, allow_pickle=False)
