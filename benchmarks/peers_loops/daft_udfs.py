"""The same steps as Daft data frames, with its stateful classes for the models."""

import sys
from typing import Any

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


def main(archive: str, out: str, weights: str, threads: int) -> None:  # noqa: C901 - it defines its UDFs
    import daft
    from daft import DataType, col

    span = DataType.struct({"start_s": DataType.float64(), "end_s": DataType.float64()})
    sentence = DataType.struct({"start_s": DataType.float64(), "end_s": DataType.float64(), "text": DataType.string()})
    seen = DataType.struct({"label": DataType.string(), "embedding": DataType.list(DataType.float32())})

    @daft.func(return_dtype=DataType.list(span))
    def shots_of(path: str) -> list[dict[str, float]]:
        found = find_shots(path) if has_pictures(path) else []
        return [{"start_s": start_s, "end_s": end_s} for start_s, end_s in found]

    @daft.func(return_dtype=DataType.list(DataType.float64()))
    def times_of(start_s: float, end_s: float) -> list[float]:
        return frame_times([(start_s, end_s)])

    @daft.func(return_dtype=DataType.python())
    def image_at(path: str, time_s: float) -> Any:
        return read_frames(path, [time_s])[0]

    @daft.cls(max_concurrency=1)
    class Label:
        def __init__(self) -> None:
            self._label = Labeler(weights, threads)

        @daft.method.batch(return_dtype=seen, batch_size=16)
        def label(self, images: daft.Series) -> list[dict[str, Any]]:
            names, features = self._label(images.to_pylist())
            return [{"label": name, "embedding": vector.tolist()} for name, vector in zip(names, features, strict=True)]

    @daft.cls(max_concurrency=1)
    class Read:
        def __init__(self) -> None:
            self._read = Reader(threads)

        @daft.method(return_dtype=DataType.string())
        def read(self, image: Any) -> str:
            return self._read(image)

    @daft.cls(max_concurrency=1)
    class Transcribe:
        def __init__(self) -> None:
            self._transcribe = Transcriber(weights, threads)

        @daft.method(return_dtype=DataType.list(sentence))
        def transcribe(self, path: str) -> list[dict[str, Any]]:
            return [
                {"start_s": start_s, "end_s": end_s, "text": text} for start_s, end_s, text in self._transcribe(path)
            ]

    @daft.cls(max_concurrency=1)
    class Encode:
        def __init__(self) -> None:
            self._encode = Encoder(weights, threads)

        @daft.method.batch(return_dtype=DataType.list(DataType.float32()), batch_size=32)
        def encode(self, texts: daft.Series) -> list[list[float]]:
            return [vector.tolist() for vector in self._encode(texts.to_pylist())]

    label, read, transcribe, encode = Label(), Read(), Transcribe(), Encode()
    files = daft.from_pydict({"video": videos(archive)})
    shots = (
        files.with_column("shot", shots_of(col("video")))
        .explode("shot")
        .where(col("shot").not_null())
        .select(col("video"), col("shot")["start_s"].alias("start_s"), col("shot")["end_s"].alias("end_s"))
        .collect()
    )
    frames = (
        shots.with_column("time_s", times_of(col("start_s"), col("end_s")))
        .explode("time_s")
        .with_column("image", image_at(col("video"), col("time_s")))
        .with_column("seen", label.label(col("image")))
        .with_column("text", read.read(col("image")))
        .select(
            "video", "time_s", col("seen")["label"].alias("label"), "text", col("seen")["embedding"].alias("embedding")
        )
    )
    segments = (
        files.with_column("said", transcribe.transcribe(col("video")))
        .explode("said")
        .where(col("said").not_null())
        .select(
            "video",
            col("said")["start_s"].alias("start_s"),
            col("said")["end_s"].alias("end_s"),
            col("said")["text"].alias("text"),
        )
        .with_column("embedding", encode.encode(col("text")))
    )
    write(out, shots=shots.to_pylist(), frames=frames.to_pylist(), segments=segments.to_pylist())


if __name__ == "__main__":
    main(*sys.argv[1:4], threads=int(sys.argv[4]))
