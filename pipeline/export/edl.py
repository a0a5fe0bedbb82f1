"""Cuts as an edit decision list (CMX 3600), which all editing programs read."""

from collections.abc import Sequence
from fractions import Fraction

from opentimelineio.opentime import RationalTime

from pipeline.export.cuts import Cut, title_of
from pipeline.export.rates import timecode_rate
from pipeline.export.text import one_line
from pipeline.lake import VideoRecord, file_name
from schemas.errors import ExportError

_MAX_EVENTS = 999
_LONGEST_TITLE = 70
_DAY_S = 24 * 3600
_DROPPING = (Fraction(30000, 1001), Fraction(60000, 1001))


def edl(cuts: Sequence[Cut], *, fps: Fraction | None = None, drop_frame: bool = False) -> str:
    """Write cuts one after another as an edit decision list.

    Each event takes what its file has: video and two channels of audio (`AA/V`), video (`V`), or audio (`AA`). The
    first frame of each file, and of the list, is 00:00:00:00. The timecode counts every frame unless `drop_frame` is
    set. Drop-frame, which some television at 29.97 uses, is never guessed.

    Args:
        cuts: Cuts in order.
        fps: Frames per second to count at; None: the rate of the videos. Audio alone needs one.
        drop_frame: Use drop-frame timecode.

    Raises:
        ExportError: There are no cuts, too many for an EDL, or frames cannot be counted.
    """
    if not cuts:
        raise ExportError("There is nothing to write: an EDL lists shots or search hits.")
    if len(cuts) > _MAX_EVENTS:
        raise ExportError(f"An EDL holds at most {_MAX_EVENTS} events, not {len(cuts)}. Write OpenTimelineIO (.otio).")
    rate = _rate_of(cuts, fps)
    if drop_frame and rate not in _DROPPING:
        raise ExportError(f"Drop-frame timecode is for 29.97 and 59.94 frames/s, not for {float(rate):.5g}.")
    lines = [
        f"TITLE: {title_of(cuts)[:_LONGEST_TITLE]}",
        f"FCM: {'DROP FRAME' if drop_frame else 'NON-DROP FRAME'}",
        "",
    ]
    recorded = number = 0
    for cut in cuts:
        start, end = (round(time_s * rate) for time_s in (cut.start_s, cut.end_s))
        if end <= start:
            continue  # shorter than half a frame
        number += 1
        record_in, recorded = recorded, recorded + end - start
        timecodes = [_timecode(frame, rate, drop_frame=drop_frame) for frame in (start, end, record_in, recorded)]
        lines.append(f"{number:03}  AX       {_channels(cut.video):5} C        {' '.join(timecodes)}")
        lines.append(f"* FROM CLIP NAME: {one_line(file_name(cut.video.uri))}")
        lines.append(f"* SOURCE FILE: {one_line(cut.video.uri)}")
        for marker in cut.markers:
            at = min(max(round(marker.time_s * rate), start), end - 1) - start + record_in
            time = _timecode(at, rate, drop_frame=drop_frame)
            lines.append(f"* LOC: {time} {'GREEN' if marker.chapter else 'WHITE':7} {marker.text}")
        lines.append("")
    return "\n".join(lines)


def _rate_of(cuts: Sequence[Cut], fps: Fraction | None) -> Fraction:
    """Return the requested rate, or the common rate of all videos with frames."""
    videos = {cut.video.video_id: cut.video for cut in cuts if fps or cut.video.has_video}
    rates = {timecode_rate(video, fps) for video in videos.values()}
    if not rates:
        raise ExportError(
            "An EDL counts frames, and audio alone has none. Set a rate with --fps, like --fps 25, or write "
            "OpenTimelineIO (.otio)."
        )
    if len(rates) > 1:
        listed = ", ".join(f"{float(rate):.5g}" for rate in sorted(rates))
        raise ExportError(f"An EDL has one rate, and these videos have {listed} frames/s. Set one with --fps.")
    return rates.pop()


def _channels(video: VideoRecord) -> str:
    if not video.has_audio:
        return "V"
    return "AA/V" if video.has_video else "AA"


def _timecode(frame: int, rate: Fraction, *, drop_frame: bool) -> str:
    if frame >= _DAY_S * rate:
        raise ExportError("Timecode ends after 24 hours, and these cuts are longer. Write OpenTimelineIO (.otio).")
    return str(RationalTime(frame, float(rate)).to_timecode(float(rate), drop_frame))
