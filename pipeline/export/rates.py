"""Frame rates, as editing programs need them."""

from fractions import Fraction

import numpy as np

from pipeline.lake import VideoRecord
from schemas.errors import ExportError

RATES = tuple(Fraction(n, d) for n, d in (
    (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1),
))  # fmt: skip
"""Rates of timecode (SMPTE ST 12)."""
_OTHER_RATES = tuple(Fraction(n) for n in (5, 6, 8, 10, 12, 15, 20, 90, 100, 120, 240))
_NEAR = 3e-4
"""29.97 and 30 differ by 1e-3."""
_OFF_GRID_FRAMES = 0.2
_COUNT_OFF = 0.01


def frame_rate(video: VideoRecord) -> Fraction | None:
    """Return a video's frames per second; None if it has no known constant rate.

    A video has a variable rate if its average is none of the usual rates, if its shots do not start a whole number of
    frames apart, or if its number of frames does not fit its duration.

    Args:
        video: A video, or audio alone.
    """
    near = [rate for rate in (*RATES, *_OTHER_RATES) if abs(video.fps / float(rate) - 1) < _NEAR]
    if not near:
        return None
    rate = min(near, key=lambda each: abs(video.fps - float(each)))
    begins = np.array([shot.start_s for shot in video.shots if shot.index > 0]) * float(rate)
    # Audio may start before video: frames need not be at whole numbers, but a whole number apart.
    off = (begins - begins[:1] + 0.5) % 1 - 0.5
    if np.any(np.abs(off) > _OFF_GRID_FRAMES):
        return None
    expected = video.shots[-1].end_s * float(rate) if video.shots else video.frame_count
    return rate if abs(video.frame_count - expected) <= max(2.0, _COUNT_OFF * expected) else None


def timecode_rate(video: VideoRecord, fps: Fraction | None) -> Fraction:
    """Return the rate at which an edit decision list counts the frames of a video.

    Args:
        video: The video.
        fps: The rate to count at; None: the video's own.

    Raises:
        ExportError: The rate is unknown or not one of timecode; the message says what to do.
    """
    rate = fps or frame_rate(video)
    if rate in RATES:
        return rate
    if rate is None:
        what = f"{video.uri} has no known constant frame rate ({video.fps:.4g} frames/s on average)"
    else:
        what = f"{float(rate):.4g} frames/s is not a timecode rate"
    raise ExportError(
        f"{what}, and an EDL counts frames. Set a rate with --fps (23.976, 24, 25, 29.97, 30, 48, 50, "
        "59.94 or 60), or write OpenTimelineIO (.otio), which can hold any time."
    )


def parsed_rate(text: str) -> Fraction:
    """Read a frame rate, as `25`, `23.976` or `30000/1001`.

    Raises:
        ExportError: It is not a timecode rate.
    """
    try:
        value = float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        value = 0.0
    near = [rate for rate in RATES if abs(value / float(rate) - 1) < _NEAR]
    if not near:
        raise ExportError(f"{text} is not a timecode rate: 23.976, 24, 25, 29.97, 30, 48, 50, 59.94, 60.")
    return min(near, key=lambda rate: abs(value - float(rate)))
