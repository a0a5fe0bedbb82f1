"""Look for what is left of a video in the files of a lake, after decompressing them."""

import json
from collections.abc import Iterator

import pyarrow as pa

from pipeline.lake import Lake
from pipeline.lake.parquet import is_embedding
from tests.pipeline.lake.lakes import analysis


def remains(lake: Lake, video_id: str) -> dict[str, list[bytes]]:
    """Return the files in which something of a video of `tests.pipeline.lake.lakes` is, with what is in each.

    Its id may be in the table `forgotten`, and in the log, which says so.
    """
    traces = traces_of(video_id)
    found = {}
    for path, content in contents_of(lake):
        own = [trace for trace in traces if trace in content]
        allowed = path.startswith("_log/") or "forgotten/" in path
        if not allowed and video_id.encode() in content and _names(lake, path, video_id):
            own.append(video_id.encode())
        if own:
            found[path] = own
    return found


def _names(lake: Lake, path: str, video_id: str) -> bool:
    """Return whether a file whose bytes hold an id names it, too: vectors and images hold any three bytes by chance."""
    if not path.endswith(".parquet"):
        return True
    with lake._store.parquet(path) as file:
        rows = file.read()
    vectors = {field.name for field in rows.schema if pa.types.is_binary(field.type) or is_embedding(field)}
    return video_id in str(rows.drop_columns(sorted(vectors)).to_pydict())


def traces_of(video_id: str) -> list[bytes]:
    """Return what only this video has: its words, names, thumbnails and vectors."""
    made = analysis(video_id)
    texts = [each.text for each in made.transcript.utterances] + [each.text for each in made.subtitles]
    texts += [made.summary.headline, f"{video_id}.mp4", f"{video_id}.srt"]
    vectors = [each.embedding for each in made.keyframes] + [each.text_embedding for each in made.scenes]
    return [
        *(text.encode() for text in texts),
        *(each.thumbnail for each in made.keyframes),
        *(vector.tobytes() for vector in vectors if vector is not None),
    ]


def contents_of(lake: Lake) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a lake with its bytes, and with those of its columns."""
    store = lake._store
    for path in store.tree(""):
        content = store.read(path)
        if path.endswith(".parquet"):
            with store.parquet(path) as file:
                content += _uncompressed(file.read())
        elif path.endswith(".staged"):
            content += b"".join(_streams(content))
        yield path, content


def _streams(staged: bytes) -> Iterator[bytes]:
    line, _, rest = staged.partition(b"\n")
    for length, _ in json.loads(line)["parts"].values():
        with pa.ipc.open_stream(rest[:length]) as stream:
            yield _uncompressed(stream.read_all())
        rest = rest[length:]


def _uncompressed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()
