"""Videos whose frames are not stored as people see them, and what Videolake sees in them."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.extras.sample.make import write_video
from schemas.config import LimitsConfig, MediaConfig
from schemas.media import FrameBatch, MediaInfo, SampledFrame

CORNERS = np.array([[(220, 20, 20), (20, 200, 20)], [(20, 20, 220), (210, 210, 210)]], np.uint8)
"""Red, green, blue and grey; no turned or mirrored one is the same."""


@dataclass
class Seen:
    info: MediaInfo
    large: list[NDArray[np.uint8]]
    small: NDArray[np.uint8]
    times_s: list[float]
    warnings: list[str]

    @property
    def colours(self) -> list[NDArray[np.uint8]]:
        """The mean colour of the first frame, in its large image and in its small one."""
        return [image.mean(axis=(0, 1)) for image in (self.large[0], self.small[0])]


def seen(path: Path) -> Seen:
    info, stats = probe(str(path), MediaConfig(), LimitsConfig()), DecodeStats()
    items = list(decode(str(path), info, MediaConfig(), LimitsConfig(), wanted=lambda *_: True, threads=1, stats=stats))
    large = [item.image for item in items if isinstance(item, SampledFrame)]
    small = np.concatenate([item.small for item in items if isinstance(item, FrameBatch)])
    times_s = [item.time_s for item in items if isinstance(item, SampledFrame)]
    return Seen(info, large, small, times_s, stats.warnings)


def quarters(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours in the middle of the four quarters, (2, 2, 3)."""
    height, width = image.shape[:2]
    return image[height // 4 :: height // 2, width // 4 :: width // 2][:2, :2]


def corners_video(path: Path) -> Path:
    """Write two frames whose corners are `CORNERS`."""
    return write_video(path, [CORNERS.repeat(60, axis=0).repeat(80, axis=1)] * 2, rotation=90)


def with_matrix(source: Path, target: Path, a: float, b: float, c: float, d: float) -> Path:
    """Write another display matrix into the track header: (x, y) is shown at (ax + cy, bx + dy)."""
    data = bytearray(source.read_bytes())
    values = (round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0))
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, *values, 1 << 30)
    target.write_bytes(data)
    return target


def transport_stream(path: Path, parts: Sequence[tuple[int, int, Fraction]]) -> Path:
    """Write 8 frames of MPEG-2 for each size and pixel aspect ratio, one after another."""
    written = b""
    for number, (width, height, aspect) in enumerate(parts):
        with av.open(str(path), "w", format="mpegts") as container:
            stream: Any = container.add_stream("mpeg2video", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.sample_aspect_ratio = aspect
            stream.codec_context.max_b_frames = 2
            for index in range(8):
                picture = np.full((height, width, 3), 60 * number + 40, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = number * 8 + index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        written += path.read_bytes()
    path.write_bytes(written)
    return path


def coloured_video(
    path: Path,
    rgb: Sequence[float],
    *,
    size: tuple[int, int] = (64, 36),
    matrix: int,
    tags: tuple[int, int, int],
    full_range: bool = False,
    pixel_format: str = "yuv420p10le",
) -> Path:
    """Write two frames of one colour, losslessly.

    Args:
        path: The file; it ends in .mkv.
        rgb: The encoded red, green and blue, 0 to 1.
        size: Width and height.
        matrix: The matrix that is used.
        tags: The matrix, primaries and transfer function that are written into the file.
        full_range: Whether luma runs from 0 to 255 rather than from 16 to 235.
        pixel_format: A YUV format.
    """
    picture = np.broadcast_to(np.round(np.array(rgb) * 65535).astype(np.uint16), (size[1], size[0], 3))
    source = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb48le")
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=25)
        (stream.width, stream.height), stream.pix_fmt = size, pixel_format
        coder = stream.codec_context
        coder.colorspace, coder.color_primaries, coder.color_trc = tags
        coder.color_range = 2 if full_range else 1
        for index in range(2):
            frame = source.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range=coder.color_range)
            frame.pts, frame.colorspace, frame.color_primaries, frame.color_trc = index, *tags
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tiled_image(path: Path) -> Path:
    """Write an AVIF image of two tiles, the way phones write HEIC."""
    encoded = io.BytesIO()
    Image.new("RGB", (64, 64), (220, 30, 10)).save(encoded, "avif", speed=10)
    data = encoded.getvalue()
    start = data.index(b"av1C") - 4
    setup = data[start : start + int.from_bytes(data[start : start + 4])]
    tile = data[data.index(b"mdat") + 4 :]
    grid = struct.pack(">BBBBHH", 0, 0, 0, 1, 128, 64)
    items = ((1, b"av01", 0, len(tile)), (2, b"av01", 0, len(tile)), (3, b"grid", len(tile), len(grid)))
    head = _box(b"ftyp", b"avif", bytes(4), b"avifmif1")

    def meta(base: int) -> bytes:
        places = [struct.pack(">HHHII", item, 0, 1, base + at, size) for item, _, at, size in items]
        entries = [_box(b"infe", struct.pack(">IHH4sB", 2 << 24, item, 0, kind, 0)) for item, kind, _, _ in items]
        sizes = [_box(b"ispe", struct.pack(">III", 0, width, 64)) for width in (64, 128)]
        used = struct.pack(">II" + "HBBB" * 2 + "HBB", 0, 3, 1, 2, 129, 2, 2, 2, 129, 2, 3, 1, 3)
        return _box(
            b"meta",
            bytes(4),
            _box(b"hdlr", bytes(8), b"pict", bytes(13)),
            _box(b"pitm", struct.pack(">IH", 0, 3)),
            _box(b"iloc", struct.pack(">IHH", 0, 0x4400, 3), *places),
            _box(b"iinf", struct.pack(">IH", 0, 3), *entries),
            _box(b"iref", bytes(4), _box(b"dimg", struct.pack(">HHHH", 3, 2, 1, 2))),
            _box(b"iprp", _box(b"ipco", setup, *sizes), _box(b"ipma", used)),
        )

    path.write_bytes(head + meta(len(head) + len(meta(0)) + 8) + _box(b"mdat", tile, grid))
    return path


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body
