"""Damaged media: short films in many formats, and the ways in which their bytes are damaged."""

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.material.ffmpeg import ffmpeg

LENGTH_S = 4.0
_FILM = (
    "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={LENGTH_S}",
    "-f", "lavfi", "-i", f"sine=frequency=440:duration={LENGTH_S}",
)  # fmt: skip
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-pix_fmt", "yuv420p")

FORMATS: Mapping[str, tuple[str, ...]] = {
    "mp4": (*_H264, "-c:a", "aac"),
    "webm": ("-c:v", "libvpx", "-b:v", "300k", "-c:a", "libvorbis"),
    "mkv": (*_H264, "-c:a", "aac"),
    "ts": (*_H264, "-c:a", "aac"),
    "avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "mp3": ("-vn", "-c:a", "libmp3lame"),
    "flac": ("-vn", "-c:a", "flac"),
    "ogg": ("-vn", "-c:a", "libopus"),
    "vob": ("-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob"),
    "flv": ("-c:v", "flv", "-ar", "44100", "-c:a", "libmp3lame"),
    "mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"),
    "mov": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-c:a", "aac"),
}
"""The encoder options of the twelve formats that are damaged by default, by file name extension."""

MORE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "aac": ("-vn", "-c:a", "aac", "-f", "adts"),
    "wav": ("-vn",),
    "wma": ("-vn", "-c:a", "wmav2"),
    "wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "m4a": ("-vn", "-c:a", "aac"),
    "mpg": ("-c:v", "mpeg1video", "-c:a", "mp2"),
    "ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "faststart.mp4": (*_H264, "-c:a", "aac", "-movflags", "+faststart"),
    "fragmented.mp4": (*_H264, "-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"),
    "dv": ("-s", "720x576", "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-ar", "48000", "-ac", "2", "-t", "1"),
    "gif": ("-an", "-t", "2"),
    "av1.webm": ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "fast-decode=1", "-c:a", "libopus"),
}
"""More formats, for `--formats`."""


def undamaged(folder: Path, name: str) -> Path:
    """Make the film in one format, unless it exists."""
    path = folder / f"whole.{name}"
    if not path.exists():
        ffmpeg(*_FILM, *(FORMATS | MORE_FORMATS)[name], "-shortest", path)
    return path


def damaged(whole: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield the kind of damage and the bytes of damaged copies, the kinds in turn. The same seed damages alike."""
    rng = random.Random(seed)
    kinds = list(DAMAGES)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        data = bytearray(whole)
        DAMAGES[kind](data, rng)
        yield kind, bytes(data)


def _overwrite(count: tuple[int, ...], within: int | None) -> Callable[[bytearray, random.Random], None]:
    def damage(data: bytearray, rng: random.Random) -> None:
        end = min(len(data), within or len(data))
        for _ in range(rng.choice(count)):
            data[rng.randrange(end)] = rng.randrange(256)

    return damage


def _cut_off(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(1, len(data)) :]


def _zero(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((100, 5_000, 50_000)))
    data[start:end] = bytes(end - start)


def _lose_and_insert(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((3, 188, 4_000))]
    start = rng.randrange(max(1, len(data)))
    data[start:start] = rng.randbytes(rng.choice((1, 50, 3_000)))


DAMAGES: Mapping[str, Callable[[bytearray, random.Random], None]] = {
    "header": _overwrite((1, 8, 64, 512), within=4096),
    "anywhere": _overwrite((8, 64, 1024), within=None),
    "cut off": _cut_off,
    "zeros": _zero,
    "lost and inserted": _lose_and_insert,
}
"""Each damages the bytes of a file in place."""
