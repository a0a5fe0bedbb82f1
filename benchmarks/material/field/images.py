"""Cases whose frames are easily shown wrongly: turned, mirrored, squeezed, washed out, or not of the main stream."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.material.ffmpeg import ffmpeg
from benchmarks.material.field.boxes import display_matrix, patched
from benchmarks.material.field.case import Case, Color, Truth
from benchmarks.material.field.studio import COLORS, PERIOD_S, Studio, cuts, groups, pictures

_ORANGE: Color = (224, 138, 43)
_RED: Color = (220, 30, 10)
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params")
_UPRIGHT = Truth(
    drawn_s=24,
    written={2.0: "A 00", 10.0: "A 0"},
    videos={"width": 640, "height": 360},
    colors={2.0: COLORS[0], 6.0: COLORS[1]},
)


def _displayed(filter_: str, matrix: tuple[int, int, int, int]):
    """Store the film after a filter, with the display matrix that undoes it."""

    def make(studio: Studio, path: Path) -> None:
        stored = studio.part(f"stored-{path.name}")
        ffmpeg("-i", studio.film(PERIOD_S), "-vf", filter_, "-c:a", "copy", stored)
        patched(stored, path, b"tkhd", display_matrix(*matrix))

    return make


def _shape_changes(studio: Studio, path: Path) -> None:
    data = b""
    for number, (width, height, aspect) in enumerate(((720, 576, "16/15"), (720, 576, "64/45"), (1280, 720, "1"))):
        part = studio.part(f"shape-{number}.ts")
        ffmpeg("-i", studio.film(), "-t", "8", "-vf", f"scale={width}:{height},setsar={aspect}", "-c:v", "mpeg2video",
               "-b:v", "2M", "-c:a", "mp2", "-output_ts_offset", 8 * number, part)  # fmt: skip
        data += part.read_bytes()
    path.write_bytes(data)


def _hdr(transfer: str):
    """Encode SDR orange as HDR, with diffuse white at 203 cd/m2 (ITU-R BT.2408)."""

    def make(_studio: Studio, path: Path) -> None:
        ffmpeg("-f", "lavfi", "-i", _plain(_ORANGE, "640x360"), "-vf",
               "scale=out_color_matrix=bt709,format=yuv444p,setparams=colorspace=bt709:color_primaries=bt709:"
               "color_trc=bt709:range=tv,zscale=t=linear:npl=203,format=gbrpf32le,"
               f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le", *_X265,
               f"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc", path)  # fmt: skip

    return make


def _plain(color: Color, size: str) -> str:
    return f"color=0x{color[0]:02x}{color[1]:02x}{color[2]:02x}:s={size}:r=25:d=4"


def _color(size: str, matrix: str, range_: str, tags: str, *options: object, pixels: str = "yuv420p"):
    """Encode red with a colour matrix and range; `tags` says what the file states about them."""

    def make(_studio: Studio, path: Path) -> None:
        ffmpeg("-f", "lavfi", "-i", _plain(_RED, size), "-vf",
               f"scale=out_color_matrix={matrix}:out_range={range_},format={pixels}",
               *(options or ("-c:v", "libx264", "-qp", "10")), "-bsf:v", f"h264_metadata={tags}", path)  # fmt: skip

    return make


def _untagged(number: int = 2, full: int = 0) -> str:
    return (
        f"colour_primaries={number}:transfer_characteristics={number}:matrix_coefficients={number}:"
        f"video_full_range_flag={full}"
    )


def _anamorphic(studio: Studio, path: Path) -> None:
    ffmpeg("-i", studio.film(PERIOD_S), "-vf", "scale=720:576,setsar=64/45", "-c:v", "mpeg2video", "-b:v", "2M", "-c:a",
           "mp2", path)  # fmt: skip


def _motion_photo(studio: Studio, path: Path) -> None:
    still = studio.part("still.png")
    Image.fromarray(np.full((720, 1280, 3), 128, np.uint8)).save(still)
    ffmpeg("-i", still, "-i", studio.film(PERIOD_S), "-map", "0:v", "-map", "1:v", "-map", "1:a", "-c:v",
           "libx264", "-pix_fmt", "yuv420p", "-c:a", "copy", "-disposition:v:0", "default", "-disposition:v:1", "0",
           path)  # fmt: skip


def _still(_studio: Studio, path: Path) -> None:
    Image.fromarray(np.full((360, 640, 3), _RED, np.uint8)).save(path)


def _animation(_studio: Studio, path: Path) -> None:
    frames = [Image.fromarray(picture) for picture in pictures(PERIOD_S, 1)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1000, loop=0)


def _codec(*options: object):
    def make(studio: Studio, path: Path) -> None:
        ffmpeg("-i", studio.film(PERIOD_S), *options, path)

    return make


_SHORT = Truth(
    duration_s=PERIOD_S, groups_s=groups(PERIOD_S), cuts_s=cuts(PERIOD_S), drawn_s=PERIOD_S,
    colors={2.0: COLORS[0], 6.0: COLORS[1], 10.0: COLORS[2]},
)  # fmt: skip
_UNTAGGED = replace(_SHORT, colors={})
"""These formats do not state how colours are encoded."""
_RED_FILM = Truth(colors={1.0: _RED})
CASES = (
    Case("mirrored.mp4", "a display matrix that mirrors",
         _displayed("hflip", (-1, 0, 0, 1)), _UPRIGHT),
    Case("mirrored_and_turned.mp4", "a display matrix that mirrors and turns",
         _displayed("transpose=0", (0, 1, 1, 0)), _UPRIGHT),
    Case("upside_down.mp4", "a display matrix that flips vertically",
         _displayed("vflip", (1, 0, 0, -1)), _UPRIGHT),
    Case("turned_90.mp4", "a display matrix that turns by 90 degrees",
         _displayed("transpose=2", (0, 1, -1, 0)), _UPRIGHT),
    Case("turned_180.mp4", "a display matrix that turns by 180 degrees",
         _displayed("hflip,vflip", (-1, 0, 0, -1)), _UPRIGHT),
    Case("shape_changes.ts", "size and pixel aspect ratio change twice", _shape_changes,
         Truth(duration_s=24.1, sizes={4.0: (768, 576), 12.0: (1024, 576), 20.0: (1280, 720)})),
    Case("anamorphic.mpg", "720 x 576 pixels, shown as 16:9", _anamorphic,
         Truth(duration_s=PERIOD_S, sizes={4.0: (16, 9)}, videos={"width": 1024, "height": 576})),
    Case("hdr_pq.mp4", "HDR10 (PQ)", _hdr("smpte2084"), Truth(colors={1.0: _ORANGE})),
    Case("hdr_hlg.mp4", "HLG", _hdr("arib-std-b67"), Truth(colors={1.0: _ORANGE})),
    Case("hd_untagged.mp4", "untagged HD is BT.709", _color("1280x720", "bt709", "tv", _untagged()), _RED_FILM),
    Case("hd_bt601.mp4", "HD tagged as BT.601", _color("1280x720", "bt601", "tv", _untagged(6)), _RED_FILM),
    Case("sd_untagged.mp4", "untagged SD is BT.601", _color("720x576", "bt601", "tv", _untagged()), _RED_FILM),
    Case("sd_bt709.mp4", "SD tagged as BT.709", _color("640x360", "bt709", "tv", _untagged(1)), _RED_FILM),
    Case("full_range.mp4", "full range", _color("1280x720", "bt709", "pc", _untagged(1, full=1)), _RED_FILM),
    Case("10_bit.mp4", "10 bits, 4:2:2",
         _color("1280x720", "bt709", "tv", _untagged(1), "-c:v", "libx264", pixels="yuv422p10le"), _RED_FILM),
    Case("motion_photo.mov", "a one-frame default track beside the main track", _motion_photo, _SHORT),
    Case("still.jpg", "a still image", _still, Truth(colors={0.0: _RED}, videos={"width": 640, "height": 360})),
    Case("still.png", "a still image", _still, Truth(colors={0.0: _RED}, videos={"width": 640, "height": 360})),
    Case("still.webp", "a still image", _still, Truth(colors={0.0: _RED}, videos={"width": 640, "height": 360})),
    Case("animation.gif", "an animated GIF, one frame a second", _animation,
         Truth(duration_s=PERIOD_S, cuts_s=cuts(PERIOD_S), drawn_s=PERIOD_S, videos={"fps": 1.0})),
    Case("animation.webp", "an animated WebP, one frame a second", _animation,
         Truth(duration_s=PERIOD_S, cuts_s=cuts(PERIOD_S), drawn_s=PERIOD_S, videos={"fps": 1.0})),
    Case("animation.png", "an animated PNG, one frame a second", _animation,
         Truth(duration_s=PERIOD_S, cuts_s=cuts(PERIOD_S), drawn_s=PERIOD_S)),
    Case("av1.mkv", "AV1 and FLAC", _codec("-c:v", "libsvtav1", "-preset", "12", "-c:a", "flac"),
         _SHORT),
    Case("camcorder.dv", "DV",
         _codec("-vf", "scale=720:576", "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-ar", "48000", "-ac", "2"),
         Truth(duration_s=PERIOD_S, groups_s=groups(PERIOD_S), cuts_s=cuts(PERIOD_S), drawn_s=PERIOD_S)),
    Case("broadcast.mxf", "MXF with MPEG-2 and PCM",
         _codec("-c:v", "mpeg2video", "-b:v", "4M", "-c:a", "pcm_s16le", "-ar", "48000"),
         _SHORT),
    Case("prores.mov", "ProRes 4:4:4 with alpha",
         _codec("-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuva444p10le"), _SHORT),
    Case("flash.flv", "Flash video",
         _codec("-c:v", "flv", "-b:v", "1M", "-ar", "44100", "-c:a", "libmp3lame"), _UNTAGGED),
    Case("windows.wmv", "Windows Media", _codec("-c:v", "wmv2", "-b:v", "1M", "-c:a", "wmav2"), _UNTAGGED),
    Case("interlaced.avi", "interlaced MPEG-4 in AVI",
         _codec("-c:v", "mpeg4", "-q:v", "3", "-flags", "+ilme+ildct", "-c:a", "mp2"), _UNTAGGED),
)  # fmt: skip
