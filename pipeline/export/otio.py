"""Cuts as an OpenTimelineIO timeline, an exchange format of editing programs."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from pipeline.export.cuts import Cut, title_of
from pipeline.export.rates import frame_rate
from pipeline.export.text import one_line
from pipeline.lake import file_name
from pipeline.locations import local_path
from schemas.errors import ExportError

_CLOCK_HZ = Fraction(1000)
"""Time base of videos without a constant frame rate."""


def timeline(cuts: Sequence[Cut], *, fps: Fraction | None = None, drop_frame: bool = False) -> str:
    """Write cuts one after another as an OpenTimelineIO timeline, in JSON.

    Video is in one track and audio in another. If a file has only one of them, the other track has a gap. Markers are
    on the video, or on the audio of a file without video. Each clip counts at its video's frame rate. Audio alone, and
    videos without a constant rate, count in milliseconds. The metadata of a cut is under `videolake`.

    Args:
        cuts: Cuts in order.
        fps: Frames per second to count at; None: the rate of each video.
        drop_frame: Has no effect, because times are numbers of frames.

    Raises:
        ExportError: There are no cuts.
    """
    del drop_frame
    if not cuts:
        raise ExportError("There is nothing to write: a timeline lists shots or search hits.")
    made = otio.schema.Timeline(name=title_of(cuts))
    made.metadata["videolake"] = {"videos": sorted({cut.video.video_id for cut in cuts})}
    for name, kind in (("Video", otio.schema.TrackKind.Video), ("Audio", otio.schema.TrackKind.Audio)):
        if any(_has(cut, kind) for cut in cuts):
            track = otio.schema.Track(name=name, kind=kind)
            track.extend([item for cut in cuts if (item := _item(cut, kind, fps))])
            made.tracks.append(track)
    return str(otio.adapters.write_to_string(made, "otio_json")) + "\n"


def _has(cut: Cut, kind: str) -> bool:
    return cut.video.has_video if kind == otio.schema.TrackKind.Video else cut.video.has_audio


def _item(cut: Cut, kind: str, fps: Fraction | None) -> otio.schema.Clip | otio.schema.Gap | None:
    """Return a cut's item in a track: a clip, or a gap of the same length if the file has no such stream."""
    rate = fps or frame_rate(cut.video) or _CLOCK_HZ
    start, end = (round(time_s * rate) for time_s in (cut.start_s, cut.end_s))
    if end <= start:
        return None  # shorter than half a frame
    if not _has(cut, kind):
        return otio.schema.Gap(source_range=_range(0, end - start, rate))
    return _clip(cut, start, end, rate, marked=kind == otio.schema.TrackKind.Video or not cut.video.has_video)


def _clip(cut: Cut, start: int, end: int, rate: Fraction, *, marked: bool) -> otio.schema.Clip:
    media = otio.schema.ExternalReference(
        target_url=_url(cut.video.uri), available_range=_range(0, max(end, round(cut.video.duration_s * rate)), rate)
    )
    media.name = one_line(file_name(cut.video.uri))
    clip = otio.schema.Clip(name=cut.name, media_reference=media, source_range=_range(start, end, rate))
    clip.metadata["videolake"] = {
        "video_id": cut.video.video_id,
        "start_s": cut.start_s,
        "end_s": cut.end_s,
        "variable_frame_rate": cut.video.has_video and rate == _CLOCK_HZ,
    }
    for marker in cut.markers if marked else ():
        at = min(max(round(marker.time_s * rate), start), end - 1)
        color = otio.schema.MarkerColor.GREEN if marker.chapter else otio.schema.MarkerColor.WHITE
        note = otio.schema.Marker(name=marker.text, marked_range=_range(at, at + 1, rate), color=color)
        clip.markers.append(note)
    return clip


def _range(start: int, end: int, rate: Fraction) -> TimeRange:
    return TimeRange(RationalTime(start, float(rate)), RationalTime(end - start, float(rate)))


def _url(uri: str) -> str:
    path = local_path(uri)
    return one_line(uri) if path is None else Path(path).absolute().as_uri()
