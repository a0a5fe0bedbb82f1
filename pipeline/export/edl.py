"""Cuts as an edit decision list (CMX 3600), which every editing program reads."""

from collections.abc import Sequence
from fractions import Fraction

from opentimelineio.opentime import RationalTime

from pipeline.export.cuts import Cut, file_name, title_of
from pipeline.export.rates import timecode_rate
from pipeline.export.text import one_line
from schemas.errors import ExportError

_MOST_EVENTS = 999
_LONGEST_TITLE = 70
_DAY_S = 24 * 3600
_DROPPING = (Fraction(30000, 1001), Fraction(60000, 1001))


def edl(cuts: Sequence[Cut], *, fps: Fraction | None = None, drop_frame: bool = False) -> str:
    """Write cuts one after another as an edit decision list.

    Times are counted from the first frame of each file, as 00:00:00:00; so is the list itself. The timecode counts
    every frame; whether it drops numbers, as some television at 29.97 does, is never guessed.

    Args:
        cuts: In order.
        fps: Frames a second to count at; None: the film's own.
        drop_frame: Count in drop-frame timecode.

    Raises:
        ExportError: There is nothing to list, more than such a list holds, or frames cannot be counted.
    """
    if not cuts:
        raise ExportError("There are no pictures to list; an EDL lists shots or moments.")
    if len(cuts) > _MOST_EVENTS:
        raise ExportError(
            f"An EDL holds {_MOST_EVENTS} events, and there are {len(cuts)}. Write OpenTimelineIO (.otio)."
        )
    rates = {timecode_rate(video, fps) for video in {cut.video.video_id: cut.video for cut in cuts}.values()}
    if len(rates) > 1:
        listed = ", ".join(f"{float(rate):.5g}" for rate in sorted(rates))
        raise ExportError(f"An EDL counts at one rate, and these films have {listed} frames/s. Name one with --fps.")
    rate = rates.pop()
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
        clocks = [_timecode(frame, rate, drop_frame=drop_frame) for frame in (start, end, record_in, recorded)]
        lines.append(f"{number:03}  AX       V     C        {' '.join(clocks)}")
        lines.append(f"* FROM CLIP NAME: {file_name(cut.video)}")
        lines.append(f"* SOURCE FILE: {one_line(cut.video.uri)}")
        for marker in cut.markers:
            at = min(max(round(marker.time_s * rate), start), end - 1) - start + record_in
            clock = _timecode(at, rate, drop_frame=drop_frame)
            lines.append(f"* LOC: {clock} {'GREEN' if marker.chapter else 'WHITE':7} {marker.text}")
        lines.append("")
    return "\n".join(lines)


def _timecode(frame: int, rate: Fraction, *, drop_frame: bool) -> str:
    if frame >= _DAY_S * rate:
        raise ExportError("Timecode ends after 24 hours, and these cuts are longer. Write OpenTimelineIO (.otio).")
    return str(RationalTime(frame, float(rate)).to_timecode(float(rate), drop_frame))
