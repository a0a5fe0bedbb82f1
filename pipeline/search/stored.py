"""Write segments of the search index to the lake, and open them again."""

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

from pipeline.lake import DerivedFiles
from pipeline.models import cache_dir, written_whole
from pipeline.search.lexical import LexicalIndex, build_lexical
from pipeline.search.links import LinkFolder
from pipeline.search.manifest import REMEDY, StoredFile, StoredSegment
from pipeline.search.rows import ROW_SCHEMA, SPACES, Space, Vectors
from pipeline.search.segment import Content, Segment
from pipeline.search.vectors import ExactIndex, VectorIndex
from schemas.errors import SearchIndexError

_MAX_CACHE_AGE_S = 30 * 24 * 3600.0
"""A cached segment is removed this long after it was last opened."""

_EXACT_BELOW = 20_000
"""Up to this many vectors per segment, exact search is as fast."""
_COMMITS = pa.schema([("video_id", pa.string()), ("shard", pa.string())])


def save_segment(index: DerivedFiles, content: Content) -> StoredSegment:
    """Write a segment to the lake. Readers ignore it until a manifest names it.

    Args:
        index: The files of the index.
        content: Rows and vectors, as read from the lake's tables.
    """
    name = uuid.uuid4().hex[:16]
    files: dict[str, StoredFile] = {}

    def save(file: str, write: Callable[[Path], object]) -> None:
        with index.publish(f"{name}/{file}") as path:
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


def read_commits(index: DerivedFiles, segment: StoredSegment) -> dict[str, str]:
    """Return the shard of each video in a segment.

    Raises:
        SearchIndexError: A file of the segment is missing, has another size, or cannot be read.
    """
    try:
        changed = [file for file, stated in segment.files.items() if index.size(segment.path(file)) != stated.size]
        with index.open(segment.path("commits.arrow")) as stream:
            commits = _commits_of(pa.ipc.open_file(pa.py_buffer(stream.read())).read_all())
    except (OSError, KeyError, pa.ArrowException) as error:
        raise SearchIndexError(f"The search index of {index.lake_uri} is damaged: {error}.") from error
    if changed:
        raise SearchIndexError(f"The search index of {index.lake_uri} is damaged: {changed[0]} has another size.")
    return commits


def verify_segment(index: DerivedFiles, segment: StoredSegment) -> None:
    """Check the files of a segment on local disk against the manifest's checksums. This reads every file.

    Raises:
        SearchIndexError: A file has changed.
    """
    folder = index.local_path(segment.name)
    if folder is not None:
        try:
            _verify(index, segment, folder)
        except OSError as error:
            raise SearchIndexError(f"The search index of {index.lake_uri} is damaged: {error}.") from error


def open_segment(index: DerivedFiles, segment: StoredSegment) -> Segment:
    """Open a segment for searching: memory-mapped from local disk, or downloaded from an object store to the cache.

    Raises:
        FileNotFoundError: A newer index has replaced the segment.
        SearchIndexError: The files do not match the manifest.
    """
    folder = index.local_path(segment.name) or _downloaded(index, segment)
    _verify(index, segment, folder)
    try:
        rows = _read_rows(folder / "rows.arrow", segment)
        links = LinkFolder(folder / file for file in segment.files if file.startswith("lexical/"))
        return Segment(
            name=segment.name,
            commits=_commits_of(_read_arrow(folder / "commits.arrow")),
            rows=rows,
            words=segment.words,
            lexical=LexicalIndex.open(links.path),
            vectors={
                space: opened for space in SPACES if (opened := _open_vectors(folder, segment, space)) is not None
            },
            models=segment.models,
            links=links,
        )
    except (pa.ArrowException, ValueError, KeyError, EOFError, RuntimeError) as error:
        message = f"The search index of {index.lake_uri} cannot be opened: {error}. {REMEDY}"
        raise SearchIndexError(message) from error


def _save_vectors(space: Space, vectors: Vectors, save: Callable[[str, Callable[[Path], object]], None]) -> None:
    if len(vectors.rows) > _EXACT_BELOW:
        from pipeline.search.ivf import build_ivf  # faiss takes a quarter of a second, and small lakes need none of it

        save(f"{space}.faiss", lambda path: build_ivf(vectors, path))
    else:
        save(f"{space}.npy", lambda path: _write_array(vectors.matrix, path))
        save(f"{space}.rows.npy", lambda path: _write_array(vectors.rows, path))


def _open_vectors(folder: Path, segment: StoredSegment, space: Space) -> VectorIndex | None:
    if f"{space}.faiss" in segment.files:
        from pipeline.search.ivf import IvfIndex

        return IvfIndex.open(folder / f"{space}.faiss")
    if f"{space}.npy" in segment.files:
        matrix = np.load(folder / f"{space}.npy", mmap_mode="r", allow_pickle=False)
        rows = np.load(folder / f"{space}.rows.npy", allow_pickle=False)
        if (matrix.dtype, matrix.ndim, rows.dtype, rows.shape) != (np.float32, 2, np.int64, matrix.shape[:1]):
            raise ValueError(f"{space}.npy and {space}.rows.npy do not belong together")
        if len(rows) and not (rows.min() >= 0 and rows.max() < segment.moments):
            raise ValueError(f"{space}.rows.npy names moments that do not exist")
        return ExactIndex(Vectors(rows, matrix))
    return None


def _verify(index: DerivedFiles, segment: StoredSegment, folder: Path) -> None:
    def differs(item: tuple[str, StoredFile]) -> bool:
        path, stated = folder / item[0], item[1]
        return path.stat().st_size != stated.size or StoredFile.of(path) != stated

    if not {"rows.arrow", "commits.arrow"} <= segment.files.keys():
        message = f"The manifest of the search index of {index.lake_uri} does not name all files of a segment. {REMEDY}"
        raise SearchIndexError(message)
    # Hashing releases the GIL.
    with ThreadPoolExecutor() as threads:
        for file, wrong in zip(segment.files, threads.map(differs, segment.files.items()), strict=True):
            if wrong:
                message = f"{segment.path(file)} in the search index of {index.lake_uri} has changed. {REMEDY}"
                raise SearchIndexError(message)


def remove_cached(segment: str) -> None:
    """Remove a segment from this machine's cache."""
    shutil.rmtree(cache_dir() / "search" / segment, ignore_errors=True)


def _downloaded(index: DerivedFiles, segment: StoredSegment) -> Path:
    """Download a segment to this machine's cache, unless it is there."""
    folder = cache_dir() / "search" / segment.name
    _remove_old(folder.parent)
    for file, stated in segment.files.items():
        target = folder / file
        if target.is_file() and target.stat().st_size == stated.size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(target) as sink, index.open(segment.path(file)) as source:
            shutil.copyfileobj(source, sink)
    os.utime(folder)
    return folder


def _remove_old(cache: Path) -> None:
    """Remove segments that have not been opened for a month: each update of an index makes new ones."""
    for folder in cache.iterdir() if cache.is_dir() else ():
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _MAX_CACHE_AGE_S:
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
        raise ValueError(f"{path.name} does not hold the moments that the manifest names")
    table.validate(full=True)
    return table


def _write_array(array: np.ndarray, path: Path) -> None:
    with path.open("wb") as sink:
        np.save(sink, array, allow_pickle=False)
