"""Recall@10 of the vector index on real sentences, which cluster far less than synthetic vectors.

    python -m benchmarks.recall [--sentences 20000] [--vectors FILE.npy]

The sentences come from docstrings of the installed packages and are encoded by the default text model; 200 of them are
the queries. `--vectors` stores the vectors, or reuses a stored file: encoding 20,000 takes a minute. Recall is the
share of the exact ten nearest that the index finds, with and without a filter.
"""

import argparse
import random
import re
import site
import tempfile
import time
from pathlib import Path

import numpy as np

from pipeline.analysis.text import TextEncoder
from pipeline.search.ivf import IvfIndex, build_ivf
from pipeline.search.rows import Vectors
from pipeline.search.vectors import ExactIndex
from schemas.config import TextConfig

QUERIES = 200
ADMITTED = (1.0, 0.3, 0.01)
_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--vectors", type=Path)
    options = parser.parse_args()
    if options.vectors and options.vectors.exists():
        matrix = np.load(options.vectors)
    else:
        matrix = encoded(sentences(options.sentences + QUERIES))
        if options.vectors:
            np.save(options.vectors, matrix)
    queries, known = matrix[:QUERIES], matrix[QUERIES : QUERIES + options.sentences]
    rng = np.random.default_rng(0)
    vectors = Vectors(np.arange(len(known), dtype=np.int64), np.ascontiguousarray(known))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.faiss"
        build_ivf(vectors, path)
        index, exact = IvfIndex.open(path), ExactIndex(vectors)
        print(f"{len(known):,} sentences, {QUERIES} queries")
        for share in ADMITTED:
            mask = None if share == 1 else rng.random(len(known)) < share
            found, index_s = answers(index, queries, mask)
            wanted, exact_s = answers(exact, queries, mask)
            recall = np.mean([np.isin(true, own).mean() for own, true in zip(found, wanted, strict=True)])
            print(
                f"filter admits {share:>4.0%}: recall@10 {recall:.3f}; "
                f"index {1000 * index_s:.2f} ms, exact {1000 * exact_s:.2f} ms"
            )


def sentences(count: int) -> list[str]:
    """Collect sentences from docstrings of the installed packages, in a fixed random order."""
    found: set[str] = set()
    for file in sorted(Path(site.getsitepackages()[0]).rglob("*.py")):
        for text in _DOCSTRING.findall(file.read_text("utf-8", errors="ignore")):
            for sentence in map(" ".join, map(str.split, _SENTENCE.split(text))):
                letters = sum(character.isalpha() or character == " " for character in sentence)
                if 30 <= len(sentence) <= 140 and sentence.count(" ") >= 5 and letters > 0.9 * len(sentence):
                    found.add(sentence)
    mixed = sorted(found)
    random.Random(0).shuffle(mixed)
    return mixed[:count]


def encoded(texts: list[str]) -> np.ndarray:
    """Encode sentences."""
    encoder = TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=2)
    return np.concatenate([encoder.encode(texts[first : first + 1000]) for first in range(0, len(texts), 1000)])


def answers(
    index: IvfIndex | ExactIndex, queries: np.ndarray, mask: np.ndarray | None
) -> tuple[list[np.ndarray], float]:
    """Return the rows found for each query, and the seconds per query."""
    started = time.perf_counter()
    rows = [index.search(query, mask, 10)[0] for query in queries]
    return rows, (time.perf_counter() - started) / len(queries)


if __name__ == "__main__":
    main()
