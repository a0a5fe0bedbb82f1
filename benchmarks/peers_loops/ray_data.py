"""The same steps as a Ray Data pipeline, as its guide to batch inference shows: a class for each model, as actors."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers_loops.steps import (
    Encoder,
    Labeler,
    Reader,
    Transcriber,
    find_shots,
    frame_times,
    has_pictures,
    read_frames,
    videos,
    write,
)

Batch = dict[str, Any]


def shots_of(row: Batch) -> list[Batch]:
    """One row per shot."""
    path = row["item"]
    found = find_shots(path) if has_pictures(path) else []
    return [{"video": path, "start_s": start_s, "end_s": end_s} for start_s, end_s in found]


def frames_of(row: Batch) -> Iterator[Batch]:
    """One row per frame of a shot, with its image."""
    times = frame_times([(row["start_s"], row["end_s"])])
    for time_s, image in zip(times, read_frames(row["video"], times), strict=True):
        yield {"video": row["video"], "time_s": time_s, "image": image}


class Label:
    """Labels a batch of frames."""

    def __init__(self, weights: str, threads: int) -> None:
        self._label = Labeler(weights, threads)

    def __call__(self, batch: Batch) -> Batch:
        """Return the rows with what was found."""
        names, features = self._label(list(batch["image"]))
        return {**batch, "label": np.array(names), "embedding": np.stack(features)}


class Read:
    """Reads a batch of frames."""

    def __init__(self, threads: int) -> None:
        self._read = Reader(threads)

    def __call__(self, batch: Batch) -> Batch:
        """Return the rows with what was found."""
        batch["text"] = np.array([self._read(image) for image in batch.pop("image")], dtype=object)
        return batch


class Transcribe:
    """Transcribes a video."""

    def __init__(self, weights: str, threads: int) -> None:
        self._transcribe = Transcriber(weights, threads)

    def __call__(self, row: Batch) -> list[Batch]:
        """Return the rows with what was found."""
        return [
            {"video": row["item"], "start_s": start_s, "end_s": end_s, "text": text}
            for start_s, end_s, text in self._transcribe(row["item"])
        ]


class Encode:
    """Encodes a batch of texts."""

    def __init__(self, weights: str, threads: int) -> None:
        self._encode = Encoder(weights, threads)

    def __call__(self, batch: Batch) -> Batch:
        """Return the rows with what was found."""
        return {**batch, "embedding": np.stack(self._encode(list(batch["text"])))}


def main(archive: str, out: str, weights: str, threads: int) -> None:
    import ray

    ray.init(num_cpus=threads, log_to_driver=False, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    files = ray.data.from_items(videos(archive))
    shots = files.flat_map(shots_of).materialize()
    one = {"concurrency": 1, "num_cpus": 0.5}
    frames = (
        shots.flat_map(frames_of)
        .map_batches(Label, fn_constructor_args=(weights, threads), batch_size=16, **one)
        .map_batches(Read, fn_constructor_args=(threads,), batch_size=16, **one)
    )
    segments = files.flat_map(Transcribe, fn_constructor_args=(weights, threads), concurrency=1).map_batches(
        Encode, fn_constructor_args=(weights, threads), batch_size=32, **one
    )
    tables = {"shots": shots, "frames": frames, "segments": segments}
    Path(out).mkdir(parents=True, exist_ok=True)
    write(out, **{name: table.take_all() for name, table in tables.items()})
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:4], threads=int(sys.argv[4]))
