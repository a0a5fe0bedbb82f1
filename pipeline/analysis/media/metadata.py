"""What a file says about itself: its tracks and chapters, the timecode of its first frame, and when it was made."""

import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import av
from av import VideoFrame
from av.container import InputContainer

from pipeline.analysis.media.filters import side_data
from pipeline.language import clean
from schemas.media import Track, TrackKind
from schemas.records import Chapter

_TIMECODE = re.compile(r"\d\d:[0-5]\d:[0-5]\d[:;.]\d{2,3}")
_CREATION_KEYS = ("com.apple.quicktime.creationdate", "creation_time", "creationdate", "date_recorded", "date")
"""Most trusted first. Apple's is the time of the recording; an export rewrites the others."""
_TIME_FORMATS = ("%Y:%m:%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%d %b %Y %H:%M:%S")
_EARLIEST = datetime(1980, 1, 2, tzinfo=UTC)
"""Earlier times are clocks that were never set: no container of today existed."""
_MAX_CHAPTERS = 2_000
_MAX_TITLE = 500
_MATROSKA_ZERO = datetime(2001, 1, 1, tzinfo=UTC)


def tracks_of(container: InputContainer) -> tuple[Track, ...]:
    """Describe all tracks of a file, in its order."""
    return tuple(_track(stream) for stream in container.streams)


def chapters_of(container: InputContainer, origin_s: float, duration_s: float) -> tuple[Chapter, ...]:
    """Return the chapters of a file, in order of time.

    Args:
        container: The file.
        origin_s: Start of the video on the clock of the file.
        duration_s: Measured duration; what lies beyond is left out.
    """
    spans = []
    for chapter in container.chapters()[:_MAX_CHAPTERS]:
        unit_s = float(chapter["time_base"] or 0)
        start_s, end_s = (max(0.0, chapter[edge] * unit_s - origin_s) for edge in ("start", "end"))
        spans.append((start_s, end_s, _title(chapter["metadata"], "title")))
    spans.sort()
    next_starts_s = [*(start_s for start_s, _, _ in spans[1:]), duration_s]
    return tuple(
        Chapter(title, start_s, min(end_s if end_s > start_s else next_s, duration_s))
        for (start_s, end_s, title), next_s in zip(spans, next_starts_s, strict=False)
        if start_s < duration_s
    )


def is_cover(stream: Any) -> bool:  # noqa: ANN401 - a PyAV stream of any kind
    """Return whether a video stream is a cover image or a set of thumbnails."""
    disposition = av.stream.Disposition
    return bool(stream.disposition & (disposition.attached_pic | disposition.timed_thumbnails))


def codec_name(stream: Any) -> str | None:  # noqa: ANN401
    """Return the name of a stream's codec, which several decoders may share; None if FFmpeg has no decoder."""
    if stream.codec_context is None:
        return stream.name if stream.type in {"data", "attachment"} else None
    return str(stream.codec_context.codec.canonical_name)


def language_of(stream: Any) -> str | None:  # noqa: ANN401
    """Return the language that a stream states."""
    return stream.language if stream.language not in {None, "", "und", "unk"} else None


def title_of(stream: Any) -> str | None:  # noqa: ANN401
    """Return the title that a stream states. QuickTime calls it its name."""
    return _title(stream.metadata, "title") or _title(stream.metadata, "name") or None


def timecode_of(container: InputContainer, video: Any, frame: VideoFrame | None) -> str | None:  # noqa: ANN401
    """Return the timecode of the first frame, from a timecode track, tags, or the frame itself.

    Args:
        container: The file.
        video: The video stream that is analysed.
        frame: Its first frame; None if that cannot be decoded.
    """
    others = [stream for stream in container.streams if stream.index != video.index]
    for source in (video, *others, container):
        stated = _lower_keys(source.metadata).get("timecode", "").strip()
        if _TIMECODE.fullmatch(stated):
            return stated
    return _timecode_of_frame(frame) if frame is not None else None


def _timecode_of_frame(frame: VideoFrame) -> str | None:
    """Read the timecode of a group of pictures in MPEG-1 and MPEG-2: 25 bits."""
    data = side_data(frame, "GOP_TIMECODE")
    if data is None:
        return None
    bits = int.from_bytes(data[:4], sys.byteorder)
    hours, minutes, seconds, frames = bits >> 19 & 31, bits >> 13 & 63, bits >> 6 & 63, bits & 63
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if bits >> 24 & 1 else ':'}{frames:02}"


def created_at(container: InputContainer) -> datetime | None:
    """Return when a file was made as it states it, in UTC; None if it does not, or its clock was not set."""
    tags = [_lower_keys(each.metadata) for each in (container, *container.streams)]
    for key in _CREATION_KEYS:
        for values in tags:
            time = _parsed(values.get(key, ""))
            if time is not None:
                return time
    return _parsed(" ".join(tags[0].get(key, "") for key in ("origination_date", "origination_time")))


def _parsed(text: str) -> datetime | None:
    """Read a time; None for a day without an hour, anything else, and implausible times."""
    text = text.strip()
    time = _read(text) if ":" in text else None
    if time is None:
        return None
    with suppress(OverflowError):
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if _EARLIEST <= time <= datetime.now(UTC) + timedelta(days=1) and time != _MATROSKA_ZERO:
            return time
    return None


def _read(text: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    for form in _TIME_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return None


def _title(tags: Mapping[str, str], key: str) -> str:
    return clean(_lower_keys(tags).get(key, ""))[:_MAX_TITLE]


def _lower_keys(tags: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in tags.items()}


def _track(stream: Any) -> Track:  # noqa: ANN401
    kind: TrackKind = "cover" if stream.type == "video" and is_cover(stream) else stream.type
    audio = stream.type == "audio" and stream.codec_context is not None
    return Track(
        index=stream.index,
        kind=kind,
        codec=codec_name(stream),
        language=language_of(stream),
        channels=stream.codec_context.channels or None if audio else None,
        title=title_of(stream),
        default=bool(stream.disposition & av.stream.Disposition.default),
    )
