"""Search a million moments with the index and without it, compared with NumPy and DuckDB's array functions.

    python benchmarks/search.py [--moments 1000000] [--folder DIR] [--json FILE]

The lake is synthetic: 100,000 videos whose words follow Zipf's law, and whose vectors cluster by video and by topic.
Times are for one query at a time, with all retrievers and no filters, without encoding the query (about 10 ms).
"""

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.lake import Lake
from pipeline.lake.layout import shard_file
from pipeline.lake.parquet import RowGroupWriter
from pipeline.lake.snapshot import Change, DataFile, schema_key
from pipeline.search import Searcher, update_index
from pipeline.search.evidence import Scale
from pipeline.search.query_encoder import QueryVectors, Spaces, TextPart
from schemas.search import Filter
from schemas.tables import VIDEO_TABLES, table_schema

REVISION = "5ea4c4be2c400000"
TEXT, VISION, SHARED = ("text", 384), ("vision", 64), ("shared", 384)
WORDS, TOPICS = 60_000, 400
QUERIES = 100
STOP_WORDS = 50
"""The most frequent words; search ignores stop words, so queries leave them out."""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """Vocabulary and topics of the synthetic videos."""

    words: list[str]
    chances: np.ndarray
    topics: np.ndarray

    @classmethod
    def make(cls, rng: np.random.Generator) -> "World":
        """Make random words and topics."""
        letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
        words = ["".join(rng.choice(letters, length)) for length in rng.integers(2, 10, WORDS)]
        weights = 1 / np.arange(1, WORDS + 1)
        return cls(words, np.cumsum(weights / weights.sum()), noise(rng, TOPICS))

    def sentences(self, rng: np.random.Generator, count: int) -> list[str]:
        """Make sentences."""
        lengths = rng.integers(4, 22, count)
        chosen = np.searchsorted(self.chances, rng.random(lengths.sum()))
        ends = np.cumsum(lengths)
        return [
            " ".join(self.words[word] for word in chosen[end - length : end])
            for end, length in zip(ends, lengths, strict=True)
        ]

    def queries(self, rng: np.random.Generator) -> list[str]:
        """Make queries of two to five consecutive words of a sentence, without stop words."""
        stop = set(self.words[:STOP_WORDS])
        candidates = [[word for word in each.split() if word not in stop] for each in self.sentences(rng, 3 * QUERIES)]
        lengths = rng.integers(2, 6, len(candidates))
        found = [" ".join(words[:length]) for words, length in zip(candidates, lengths, strict=True) if len(words) > 1]
        return list(dict.fromkeys(found))[:QUERIES]

    def vectors(self, rng: np.random.Generator, videos: int, each: int) -> np.ndarray:
        """Make vectors of moments, each near its video's vector, which is near its topic's."""
        of_video = self.topics[rng.integers(0, TOPICS, videos)] + 0.7 * noise(rng, videos)
        return unit(np.repeat(of_video, each, axis=0) + noise(rng, videos * each))


def noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return random vectors whose dimensions have decreasing variance, like those of encoders."""
    spread = (1 / np.arange(1, TEXT[1] + 1) ** 0.35).astype(np.float32)
    return rng.standard_normal((count, TEXT[1]), dtype=np.float32) * spread


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale to length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def means(vectors: np.ndarray, videos: int) -> np.ndarray:
    """Return the mean direction of each video's vectors, for its scene."""
    return unit(vectors.reshape(videos, -1, vectors.shape[1]).mean(axis=1))


def rows_of(table: str, count: int, **known: Any) -> pa.Table:
    """Make rows of a table from the known columns; the others are empty."""
    schema = table_schema(table, text=TEXT, vision=VISION, coordinated=SHARED)
    return pa.table([column(field.type, count, known.get(field.name)) for field in schema], schema=schema)


def column(kind: pa.DataType, count: int, values: Any) -> pa.Array:
    """Make a column."""
    if pa.types.is_fixed_size_list(kind):
        flat = np.zeros(count * kind.list_size, np.float32) if values is None else values.reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), kind.list_size).cast(kind)
    if isinstance(values, list | np.ndarray):
        return pa.array(values, kind)
    if values is None:
        empty = pa.types.is_list(kind) or pa.types.is_map(kind)
        values = [] if empty else b"" if pa.types.is_binary(kind) else "" if pa.types.is_string(kind) else 0
        values = NOW if pa.types.is_timestamp(kind) else values
        values = False if pa.types.is_boolean(kind) else values
    return pa.array([values] * count, kind)


def tables_of(world: World, rng: np.random.Generator, first: int, videos: int, each: int, shard: str) -> dict[str, Any]:  # noqa: PLR0917 - of one script
    """Make the tables of some videos. Each video has `each` moments, one in five of them a frame."""
    names = [f"{number:032x}" for number in range(first, first + videos)]
    n_frames = max(1, each // 5)
    n_utterances = each - n_frames
    keys = {"revision": REVISION, "shard": shard}
    of = {count: np.repeat(names, count).tolist() for count in (n_frames, n_utterances)}
    start = np.tile(np.arange(n_utterances) * 4.0, videos)
    time_s = np.tile(np.arange(n_frames) * 20.0, videos)
    indices = {count: np.tile(np.arange(count), videos) for count in (n_frames, n_utterances)}
    said, shown = world.vectors(rng, videos, n_utterances), world.vectors(rng, videos, n_frames)
    label = [
        [{"label": world.words[number % 1000], "score": 0.5}] for number in rng.integers(0, 1000, videos * n_frames)
    ]
    return {table: rows_of(table, 0) for table in VIDEO_TABLES} | {
        "videos": rows_of(
            "videos", videos, video_id=names, status="ok", uri=[f"/archive/{name}.mp4" for name in names],
            uris=[[f"/archive/{name}.mp4"] for name in names], duration_s=4.0 * n_utterances, language="en",
            utterances=n_utterances, frames=n_frames, text_model=TEXT[0], **keys,
        ),
        "shots": rows_of(
            "shots", videos * n_frames, video_id=of[n_frames], shot_index=indices[n_frames], start_s=time_s,
            end_s=time_s + 20.0, transition="cut", **keys,
        ),
        "frames": rows_of(
            "frames", videos * n_frames, video_id=of[n_frames], frame_index=indices[n_frames], time_s=time_s,
            frame_id=[f"{name}-f{index:05d}" for name, index in zip(of[n_frames], indices[n_frames], strict=True)],
            shot_index=indices[n_frames], labels=label,
            embedding=unit(rng.standard_normal((videos * n_frames, VISION[1]))),
            coordinated_embedding=shown, **keys,
        ),
        "utterances": rows_of(
            "utterances", videos * n_utterances, video_id=of[n_utterances], start_s=start,
            utterance_index=indices[n_utterances],
            utterance_id=[f"{name}-u{index:05d}" for name, index in zip(
                of[n_utterances], indices[n_utterances], strict=True
            )],
            end_s=start + 3.5, text=world.sentences(rng, videos * n_utterances), language="en", speaker="",
            embedding=said, **keys,
        ),
        "scenes": rows_of(
            "scenes", videos, video_id=names, end_s=4.0 * n_utterances,
            topics=[[{"label": "science", "score": 0.5}]] * videos, text_embedding=means(said, videos),
            coordinated_embedding=means(shown, videos), **keys,
        ),
        "summaries": rows_of("summaries", videos, video_id=names, headline=world.sentences(rng, videos), **keys),
    }  # fmt: skip


def make_lake(folder: Path, world: World, rng: np.random.Generator, videos: int, each: int) -> Lake:
    """Write a lake of synthetic videos, ten thousand in a file."""
    lake = Lake.create(str(folder))
    step = max(1, min(10_000, videos // 2))
    for number, first in enumerate(range(0, videos, step)):
        shard = f"made{number:04d}"
        publish(lake, folder, shard, tables_of(world, rng, first, min(step, videos - first), each, shard))
    return lake


def publish(lake: Lake, folder: Path, shard: str, tables: dict[str, pa.Table]) -> None:
    """Write the tables of a shard and add them to the lake's log, without staging each video."""
    name, files, schemas = shard_file(REVISION, shard), [], {}
    for table in VIDEO_TABLES:
        made, path = tables[table], folder / table / name
        path.parent.mkdir(exist_ok=True)
        with RowGroupWriter(path, made.schema) as writer:
            writer.add(made)
        key = schema_key(made.schema)
        schemas[key] = made.schema
        rows = made.num_rows
        files.append(DataFile(table, name, key, rows, path.stat().st_size, {shard: rows} if rows else {}))
    lake._log.append(lake._log.snapshot(), Change("commit", files, (), schemas), lambda _now, _others: True)


class Placed:
    """Replaces the query encoder: returns the vector that was made for each query."""

    spaces = Spaces()
    text_parts = (TextPart(0, TEXT[1], Scale(0.0, 0.1)),)
    image_scale = Scale(0.0, 0.1)

    def __init__(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        self._vectors = dict(zip(texts, vectors, strict=True))

    def texts(self, queries: Sequence[str]) -> QueryVectors:
        """Return the same vector in both spaces."""
        vector = self._vectors[queries[0]][None]
        none = np.zeros((1, 1), np.float32)
        return QueryVectors(text=vector, vision=none, coordinated=vector, fused=none)


def measured(act: Callable[[Any], object], items: Sequence[Any]) -> dict[str, float]:
    """Return the median and 95th percentile of milliseconds per item, after one warm-up call.

    CPU milliseconds show what to expect on an otherwise idle machine.
    """
    act(items[0])
    took, used = [], []
    for item in items:
        started, before = time.perf_counter(), time.process_time()
        act(item)
        took.append((time.perf_counter() - started) * 1000)
        used.append((time.process_time() - before) * 1000)
    figures = {}
    for name, values in (("ms", took), ("cpu_ms", used)):
        figures |= {f"p50_{name}": float(np.percentile(values, 50)), f"p95_{name}": float(np.percentile(values, 95))}
    return figures


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of an action, and the seconds it took."""
    started = time.perf_counter()
    return act(), time.perf_counter() - started


def recall(index: Searcher, exact: Searcher, vectors: np.ndarray, space: Any) -> float:
    """Return the share of the true ten nearest moments that the index finds."""
    shares = []
    for query in vectors:
        found, wanted = (
            [
                segment.rows["moment_id"][int(row)].as_py()
                for _, segment, row in sorted(
                    (
                        (-float(score), segment, row)
                        for segment in searcher._current().segments
                        for row, score in zip(*segment.vectors[space].search(query, None, 10), strict=True)
                    ),
                    key=lambda each: each[0],
                )[:10]
            ]
            for searcher in (index, exact)
        )
        shares.append(len(set(found) & set(wanted)) / 10)
    return float(np.mean(shares))


def main() -> None:
    """Measure, print the figures, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=1_000_000)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="Folder to make the lake in; default: a temporary one.")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/search.json"))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        results = measure(folder / "lake", options.videos, options.moments // options.videos)
    finally:
        shutil.rmtree(folder)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2))


def measure(folder: Path, videos: int, each: int) -> dict[str, Any]:
    """Take all measurements, and print each."""
    rng = np.random.default_rng(0)
    world = World.make(rng)
    lake, made_s = timed(lambda: make_lake(folder, world, rng, videos, each))
    print(f"{videos:,} videos, {videos * each:,} moments; made in {made_s:.0f} s", flush=True)
    queries = world.queries(rng)
    vectors = unit(unit(world.topics[rng.integers(0, TOPICS, QUERIES)]) + 0.8 * unit(noise(rng, QUERIES)))
    encoder: Any = Placed(queries, vectors)
    results: dict[str, Any] = {"videos": videos, "moments": videos * each}

    def show(name: str, figures: dict[str, float]) -> None:
        results[name] = figures
        print(f"{name:<34}" + "  ".join(f"{key} {value:,.1f}" for key, value in figures.items()), flush=True)

    def open_lake() -> None:
        with lake.connect() as connection:
            connection.execute(f"FROM transcript('{videos // 2:032x}')").fetchall()

    timed(lambda: Lake(lake.uri).state)
    show("open the lake, one query", {"s": timed(open_lake)[1]})
    exact = Searcher(lake, encoder=encoder, refresh_s=1e9)
    show("exact: read the lake", {"s": timed(lambda: exact.moments)[1]})
    show("exact", measured(exact.search, queries))
    show("exact, while typing", measured(lambda query: exact.search(query[:-1], prefix=True), typed(queries, encoder)))
    show("exact, in ten videos", measured(lambda query: exact.search(query, of_ten(videos)), queries))
    matrix = exact._current().segments[0].vectors["text"]._matrix  # type: ignore[attr-defined]
    show("numpy: cosines, best ten", measured(lambda query: np.argpartition(matrix @ query, -10)[-10:], vectors[:50]))
    show("duckdb: array_cosine_similarity", measured(lambda query: in_duckdb(lake, query), vectors[:3]))
    done, index_s = timed(lambda: update_index(lake))
    size = sum(path.stat().st_size for path in (folder / "_search").rglob("*") if path.is_file())
    show("index: build", {"s": index_s, "MB": size / 1e6, "segments": done.segments})
    indexed = Searcher(lake, encoder=encoder, refresh_s=1e9)
    show("index: open", {"s": timed(lambda: indexed.moments)[1]})
    show("indexed", measured(indexed.search, queries))
    show(
        "indexed, while typing",
        measured(lambda query: indexed.search(query[:-1], prefix=True), typed(queries, encoder)),
    )
    show("indexed, in ten videos", measured(lambda query: indexed.search(query, of_ten(videos)), queries))
    show("recall@10", {space: recall(indexed, exact, vectors[:100], space) for space in ("text", "coordinated")})
    publish(lake, folder, "added000", tables_of(world, rng, videos, 64, each, "added000"))
    show("index: add a shard of 64 videos", {"s": timed(lambda: update_index(lake))[1]})
    show("peak memory", {"GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6})
    return results


def typed(queries: Sequence[str], encoder: Placed) -> list[str]:
    """Teach the encoder the queries without their last letter."""
    encoder._vectors |= {query[:-1]: encoder._vectors[query] for query in queries}
    return list(queries)


def of_ten(videos: int) -> Filter:
    """Admit every tenth of the first hundred videos."""
    return Filter(videos=tuple(f"{number:032x}" for number in range(0, min(videos, 100), 10)))


def in_duckdb(lake: Lake, query: np.ndarray) -> None:
    """Find the nearest ten in SQL."""
    with lake.connect() as connection:
        connection.execute(
            f"SELECT utterance_id FROM utterances ORDER BY cosine(embedding, $1::FLOAT[{TEXT[1]}]) DESC LIMIT 10",
            [query.tolist()],
        ).fetchall()


if __name__ == "__main__":
    main()
