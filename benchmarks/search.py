"""Search over a million moments: with the index, without it, and beside NumPy and DuckDB's own array functions.

    python benchmarks/search.py [--moments 1000000] [--folder DIR] [--json FILE]

The lake is made up: 100,000 videos whose words follow Zipf's law, and whose vectors cluster by video and by topic.
Times are of one query at a time, all ways fused, filters off, without the encoder of queries (some 10 ms).
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
from pipeline.lake.layout import compact_file
from pipeline.lake.parquet import RowGroupWriter
from pipeline.search import Searcher, update_index
from pipeline.search.query_encoder import QueryVectors, Spaces
from schemas.search import Filter
from schemas.tables import VIDEO_TABLES, table_schema

REVISION = "5ea4c4be2c400000"
TEXT, VISION, SHARED = ("text", 384), ("vision", 64), ("shared", 384)
WORDS, TOPICS = 60_000, 400
QUERIES = 100
STOP_WORDS = 50
"""The most frequent words, which people's queries hold too, and which search leaves out."""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """What the invented videos are about, and in which words they say it."""

    words: list[str]
    chances: np.ndarray
    topics: np.ndarray

    @classmethod
    def make(cls, rng: np.random.Generator) -> "World":
        """Invent it."""
        letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
        words = ["".join(rng.choice(letters, length)) for length in rng.integers(2, 10, WORDS)]
        weights = 1 / np.arange(1, WORDS + 1)
        return cls(words, np.cumsum(weights / weights.sum()), noise(rng, TOPICS))

    def sentences(self, rng: np.random.Generator, count: int) -> list[str]:
        """Say something."""
        lengths = rng.integers(4, 22, count)
        chosen = np.searchsorted(self.chances, rng.random(lengths.sum()))
        ends = np.cumsum(lengths)
        return [
            " ".join(self.words[word] for word in chosen[end - length : end])
            for end, length in zip(ends, lengths, strict=True)
        ]

    def queries(self, rng: np.random.Generator) -> list[str]:
        """Ask for two to five words, as they come in sentences without stop words."""
        stop = set(self.words[:STOP_WORDS])
        asked = [[word for word in each.split() if word not in stop] for each in self.sentences(rng, 3 * QUERIES)]
        lengths = rng.integers(2, 6, len(asked))
        found = [" ".join(words[:length]) for words, length in zip(asked, lengths, strict=True) if len(words) > 1]
        return list(dict.fromkeys(found))[:QUERIES]

    def vectors(self, rng: np.random.Generator, videos: int, each: int) -> np.ndarray:
        """Make vectors of moments around that of their video, which is around that of its topic."""
        of_video = self.topics[rng.integers(0, TOPICS, videos)] + 0.7 * noise(rng, videos)
        return unit(np.repeat(of_video, each, axis=0) + noise(rng, videos * each))


def noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return vectors whose dimensions matter less and less, as those of encoders do."""
    spread = (1 / np.arange(1, TEXT[1] + 1) ** 0.35).astype(np.float32)
    return rng.standard_normal((count, TEXT[1]), dtype=np.float32) * spread


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale to length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def means(vectors: np.ndarray, videos: int) -> np.ndarray:
    """Return the mean direction of each video's vectors, as scenes have it."""
    return unit(vectors.reshape(videos, -1, vectors.shape[1]).mean(axis=1))


def rows_of(table: str, count: int, **known: Any) -> pa.Table:
    """Make rows of a table: what is known of them, and nothing else."""
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
    """Invent videos, each with so many moments, one in five a picture."""
    names = [f"{number:032x}" for number in range(first, first + videos)]
    pictures = max(1, each // 5)
    spoken = each - pictures
    keys = {"revision": REVISION, "shard": shard}
    of = {count: np.repeat(names, count).tolist() for count in (pictures, spoken)}
    start = np.tile(np.arange(spoken) * 4.0, videos)
    time_s = np.tile(np.arange(pictures) * 20.0, videos)
    place = {count: np.tile(np.arange(count), videos) for count in (pictures, spoken)}
    said, shown = world.vectors(rng, videos, spoken), world.vectors(rng, videos, pictures)
    label = [
        [{"label": world.words[number % 1000], "score": 0.5}] for number in rng.integers(0, 1000, videos * pictures)
    ]
    return {
        "videos": rows_of(
            "videos", videos, video_id=names, status="ok", uri=[f"/archive/{name}.mp4" for name in names],
            uris=[[f"/archive/{name}.mp4"] for name in names], duration_s=4.0 * spoken, language="en",
            utterances=spoken, frames=pictures, text_model=TEXT[0], **keys,
        ),
        "shots": rows_of(
            "shots", videos * pictures, video_id=of[pictures], shot_index=place[pictures], start_s=time_s,
            end_s=time_s + 20.0, transition="cut", **keys,
        ),
        "frames": rows_of(
            "frames", videos * pictures, video_id=of[pictures], frame_index=place[pictures], time_s=time_s,
            frame_id=[f"{name}-f{index:05d}" for name, index in zip(of[pictures], place[pictures], strict=True)],
            shot_index=place[pictures], labels=label,
            embedding=unit(rng.standard_normal((videos * pictures, VISION[1]))),
            coordinated_embedding=shown, **keys,
        ),
        "utterances": rows_of(
            "utterances", videos * spoken, video_id=of[spoken], utterance_index=place[spoken], start_s=start,
            utterance_id=[f"{name}-u{index:05d}" for name, index in zip(of[spoken], place[spoken], strict=True)],
            end_s=start + 3.5, text=world.sentences(rng, videos * spoken), language="en", speaker="",
            embedding=said, **keys,
        ),
        "scenes": rows_of(
            "scenes", videos, video_id=names, end_s=4.0 * spoken,
            topics=[[{"label": "science", "score": 0.5}]] * videos, text_embedding=means(said, videos),
            coordinated_embedding=means(shown, videos), **keys,
        ),
        "summaries": rows_of("summaries", videos, video_id=names, headline=world.sentences(rng, videos), **keys),
        "errors": rows_of("errors", 0),
    }  # fmt: skip


def make_lake(folder: Path, world: World, rng: np.random.Generator, videos: int, each: int) -> Lake:
    """Write a compacted lake of invented videos."""
    lake = Lake.create(str(folder))
    step = max(1, min(10_000, videos // 2))
    for number, first in enumerate(range(0, videos, step)):
        made = tables_of(world, rng, first, min(step, videos - first), each, f"made{number:04d}")
        for table in VIDEO_TABLES:
            path = folder / table / compact_file(REVISION[:8], "00000000", number)
            path.parent.mkdir(exist_ok=True)
            with RowGroupWriter(path, made[table].schema) as writer:
                writer.add(made[table])
    return lake


class Placed:
    """Stands for the encoder of queries: gives each the vectors that were made for it."""

    spaces = Spaces()

    def __init__(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        self._vectors = dict(zip(texts, vectors, strict=True))

    def texts(self, queries: Sequence[str]) -> QueryVectors:
        """Return the same vector in both spaces."""
        vector = self._vectors[queries[0]][None]
        none = np.zeros((1, 1), np.float32)
        return QueryVectors(text=vector, vision=none, coordinated=vector, fused=none)


def measured(act: Callable[[Any], object], items: Sequence[Any]) -> dict[str, float]:
    """Return the median and the 95th percentile of milliseconds an item, after one to warm up.

    The milliseconds of processor say what to expect on a machine with nothing else to do.
    """
    act(items[0])
    took, used = [], []
    for item in items:
        begun, before = time.perf_counter(), time.process_time()
        act(item)
        took.append((time.perf_counter() - begun) * 1000)
        used.append((time.process_time() - before) * 1000)
    figures = {}
    for name, values in (("ms", took), ("cpu_ms", used)):
        figures |= {f"p50_{name}": float(np.percentile(values, 50)), f"p95_{name}": float(np.percentile(values, 95))}
    return figures


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    """Return what an action returns, and the seconds it took."""
    begun = time.perf_counter()
    return act(), time.perf_counter() - begun


def recall(index: Searcher, exact: Searcher, vectors: np.ndarray, space: Any) -> float:
    """Return which share of the true nearest ten moments the index finds."""
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
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=1_000_000)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="Where to make the lake; default: a temporary folder.")
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
    """Do all measurements, printing each."""
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
    show("open the lake and ask once", {"s": timed(open_lake)[1]})
    exact = Searcher(lake, encoder=encoder, refresh_s=1e9)
    show("exact: read the lake", {"s": timed(lambda: exact.moments)[1]})
    show("exact", measured(exact.search, queries))
    show("exact, while typing", measured(lambda query: exact.search(query[:-1], prefix=True), typed(queries, encoder)))
    show("exact, of ten videos", measured(lambda query: exact.search(query, of_ten(videos)), queries))
    matrix = exact._current().segments[0].vectors["text"]._matrix  # type: ignore[attr-defined]
    show("numpy: cosines, ten best", measured(lambda query: np.argpartition(matrix @ query, -10)[-10:], vectors[:50]))
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
    show("indexed, of ten videos", measured(lambda query: indexed.search(query, of_ten(videos)), queries))
    show("recall@10", {space: recall(indexed, exact, vectors[:100], space) for space in ("text", "coordinated")})
    made = tables_of(world, rng, videos, 64, each, "added000")
    for table in VIDEO_TABLES:
        with RowGroupWriter(folder / table / f"{REVISION[:8]}-added000.parquet", made[table].schema) as writer:
            writer.add(made[table])
    show("index: add a shard of 64 videos", {"s": timed(lambda: update_index(lake))[1]})
    show("memory at most", {"GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6})
    return results


def typed(queries: Sequence[str], encoder: Placed) -> list[str]:
    """Let the encoder know the queries while their last letter is missing."""
    encoder._vectors |= {query[:-1]: encoder._vectors[query] for query in queries}
    return list(queries)


def of_ten(videos: int) -> Filter:
    """Admit every tenth of a hundred videos."""
    return Filter(videos=tuple(f"{number:032x}" for number in range(0, min(videos, 100), 10)))


def in_duckdb(lake: Lake, query: np.ndarray) -> None:
    """Ask for the nearest ten in SQL."""
    with lake.connect() as connection:
        connection.execute(
            f"SELECT utterance_id FROM utterances ORDER BY cosine(embedding, $1::FLOAT[{TEXT[1]}]) DESC LIMIT 10",
            [query.tolist()],
        ).fetchall()


if __name__ == "__main__":
    main()
