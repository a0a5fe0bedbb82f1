"""Patches of MP4 and WebM files, for what ffmpeg does not write."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

_CONTAINERS = (b"moov", b"trak", b"mdia")
Change = Callable[[bytearray, int], None]
"""Changes data in place, given the position of a box's content."""


def patched(source: Path, target: Path, kind: bytes, change: Change) -> None:
    """Change every box of a kind in an MP4 file."""
    data = bytearray(source.read_bytes())
    for start in list(_boxes(data, kind, 0, len(data))):
        change(data, start)
    target.write_bytes(data)


def times_stated_length(factor: float) -> Change:
    """Multiply the duration that `mdhd` states."""

    def change(data: bytearray, at: int) -> None:
        start, form = (at + 16, ">I") if data[at] == 0 else (at + 24, ">Q")
        (ticks,) = struct.unpack_from(form, data, start)
        struct.pack_into(form, data, start, round(ticks * factor))

    return change


def display_matrix(a: int, b: int, c: int, d: int) -> Change:
    """Set the matrix of `tkhd` for tracks with a width: x' = ax + cy, y' = bx + dy."""

    def change(data: bytearray, at: int) -> None:
        start = at + (40 if data[at] == 0 else 52)
        (width,) = struct.unpack_from(">I", data, start + 36)
        if width:
            values = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
            struct.pack_into(">9i", data, start, *values)

    return change


def _boxes(data: bytearray, kind: bytes, start: int, end: int) -> Iterator[int]:
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        size = size or end - start
        if name in _CONTAINERS:
            yield from _boxes(data, kind, start + head, start + size)
        elif name == kind:
            yield start + head
        start += size


def encrypt_webm(source: Path, target: Path) -> None:
    """Mark the first track of a WebM file as encrypted, and overwrite its frames with noise.

    The file must have been written with `-live 1`, so that its segment and clusters state no size.
    """
    data = source.read_bytes()
    # The first bytes like these are in the index of the file; the tracks come right before the first cluster.
    tracks = data.rindex(b"\x16\x54\xae\x6b", 0, data.index(b"\x1f\x43\xb6\x75"))
    entry = data.index(b"\xae", tracks + 4)
    key = _element(b"\x47\xe2", bytes(range(16)))
    encryption = _element(b"\x50\x35", _element(b"\x47\xe1", b"\x05") + key)
    order = _element(b"\x50\x31", b"\x00") + _element(b"\x50\x32", b"\x01") + _element(b"\x50\x33", b"\x01")
    encodings = _element(b"\x6d\x80", _element(b"\x62\x40", order + encryption))
    tracks_size, tracks_start = _size(data, tracks + 4)
    entry_size, entry_start = _size(data, entry + 1)
    tail = data[entry_start + entry_size : tracks_start + tracks_size]
    first = _element(b"\xae", data[entry_start : entry_start + entry_size] + encodings)
    changed = _element(b"\x16\x54\xae\x6b", data[tracks_start:entry] + first + tail)
    frames = bytearray(data[tracks_start + tracks_size :])
    for start in range(4000, len(frames) - 64, 500):
        frames[start : start + 32] = bytes(value ^ 0xA5 for value in frames[start : start + 32])
    target.write_bytes(data[:tracks] + changed + frames)


def _element(identifier: bytes, content: bytes) -> bytes:
    return identifier + struct.pack(">Q", len(content) | 1 << 56) + content


def _size(data: bytes, at: int) -> tuple[int, int]:
    """Return the size of an EBML element, and where its content starts."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return value, at + length
