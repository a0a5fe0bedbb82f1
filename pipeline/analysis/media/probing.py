"""Probe a media file: choose the video and audio streams to analyse, and refuse files that cannot be analysed."""

import logging
from collections.abc import Collection
from typing import Any, cast

import av
from av import VideoFrame
from av.container import InputContainer

from pipeline.analysis.media.audio_choice import choose_audio
from pipeline.analysis.media.encryption import encryption_error, find_encryption, is_encrypted
from pipeline.analysis.media.geometry import Orientation, PixelShape, display_size, orientation_of
from pipeline.analysis.media.metadata import codec_name, created_at, is_cover, timecode_of, tracks_of
from pipeline.analysis.media.sources import open_bytes, open_media, read_packets
from pipeline.analysis.media.stills import TILES, advice
from pipeline.analysis.media.timeline import seconds
from pipeline.locations import local_path
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from schemas.media import MediaInfo, VideoStream

logger = logging.getLogger(__name__)

_PACKETS_TO_FIRST_FRAME = 500
_WITHOUT_DURATION = frozenset(
    {"aac", "ac3", "amr", "dts", "eac3", "h263", "h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "vc1"}
)
"""Formats without a header for the whole file."""
_COUNTED_FROM_ZERO = frozenset({"matroska,webm", "asf"})
"""Formats whose duration includes the time before the first timestamp."""
_ID3_BYTES, _MP3_FRAME_BYTES = 10, 2048


def probe(uri: str, config: MediaConfig, limits: LimitsConfig) -> MediaInfo:
    """Probe a file. Decodes nothing beyond its first frame.

    Args:
        uri: Local path or fsspec URI.
        config: Selects the audio track.
        limits: Files over these limits are refused.

    Returns:
        The streams to analyse. `video` is None for an audio file, even if it has a cover image.

    Raises:
        MediaError: It is not a media file, has neither video nor audio, cannot be read, or is over the limits.
    """
    size_bytes = _size(uri)
    with open_media(uri) as container:
        with open_bytes(uri) as file:
            locked, partly_encrypted = find_encryption(file, container)
        chosen = best_video(container, locked)
        heard, warnings = choose_audio(container, locked, config.audio_track)
        if not chosen and not heard:
            raise encryption_error(uri, stage="probe") if locked else _no_streams(uri, container)
        tracks, recorded_at = tracks_of(container), created_at(container)
        video, timecode = _video(uri, container, chosen, limits) if chosen else (None, None)
        return MediaInfo(
            uri=uri,
            size_bytes=size_bytes,
            container=container.format.name,
            duration_s=_stated_duration_s(uri, container),
            video=video,
            audio=heard[0] if heard else None,
            audio_tracks=len(container.streams.audio),
            has_attached_picture=any(map(is_cover, container.streams.video)),
            tracks=tracks,
            timecode=timecode,
            created_at=recorded_at,
            encrypted_tracks=len(locked),
            partly_encrypted=partly_encrypted,
            other_audio=heard[1:],
            warnings=warnings,
        )


def _size(uri: str) -> int:
    path = local_path(uri)
    if path is not None and path.is_file():
        return path.stat().st_size
    with open_bytes(uri) as file:
        return file.seek(0, 2)


def _stated_duration_s(uri: str, container: InputContainer) -> float:
    """Return the duration that the file states; 0.0 if it states none, and FFmpeg guesses it from the bit rate."""
    name = container.format.name
    if name in _WITHOUT_DURATION or (name == "mp3" and not _has_mp3_length(uri)):
        return 0.0
    if container.duration is not None and container.duration > 0:
        start = max(0, container.start_time or 0) if name in _COUNTED_FROM_ZERO else 0
        return max(0.0, float((container.duration - start) / av.time_base))
    lengths = [
        seconds(stream.duration, stream.time_base)
        for stream in container.streams
        if stream.duration and stream.time_base and stream.type in {"video", "audio"}
    ]
    return max(0.0, max(lengths, default=0.0))


def _has_mp3_length(uri: str) -> bool:
    """Return whether the first frame of an MP3 file, after its ID3 tag, has the number of frames."""
    with open_bytes(uri) as file:
        head = file.read(_ID3_BYTES)
        if head.startswith(b"ID3"):
            first, second, third, last = head[-4:]
            file.seek(_ID3_BYTES + (first << 21 | second << 14 | third << 7 | last))
        frame = head + file.read(_MP3_FRAME_BYTES)
    return any(tag in frame for tag in (b"Xing", b"Info", b"VBRI"))


def _decodable(stream: Any) -> bool:  # noqa: ANN401 - a PyAV stream of any kind
    return stream.codec_context is not None


def _is_part(stream: Any) -> bool:  # noqa: ANN401
    """Return whether a stream is a part of a frame, such as a tile of a HEIC image or an enhancement layer."""
    return bool(stream.disposition & av.stream.Disposition.dependent)


def _no_streams(uri: str, container: InputContainer) -> MediaError:
    streams = [stream for stream in container.streams if stream.type in {"video", "audio"}]
    if any(not _decodable(stream) for stream in streams):
        message = f"{uri}: FFmpeg has no decoder for its streams. Convert it first."
        return MediaError(ErrorKind.UNSUPPORTED, message, stage="probe")
    if any(_is_part(stream) for stream in streams):
        return MediaError(ErrorKind.UNSUPPORTED, f"{uri} {advice(TILES)}", stage="probe")
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
    message = f"{uri} has neither video nor audio (streams: {kinds})."
    return MediaError(ErrorKind.NO_STREAMS, message, stage="probe")


def best_video(container: InputContainer, locked: Collection[int] = ()) -> Any:  # noqa: ANN401 - a PyAV stream
    """Return the video stream that FFmpeg and players choose, or None. Never a cover image or thumbnails.

    A still beside a video is left out, too, such as the photo in a phone's motion photo.

    Args:
        container: The file.
        locked: Indexes of encrypted streams, which are left out.
    """
    usable = [each for each in container.streams.video if _decodable(each) and each.index not in locked]
    moving = [each for each in usable if not is_cover(each) and not _is_part(each)]
    moving = [each for each in moving if each.frames != 1] or moving
    best = container.streams.best("video")
    if best in moving:
        return best
    default = av.stream.Disposition.default
    return max(
        moving, key=lambda each: (bool(each.disposition & default), each.bit_rate or 0, -each.index), default=None
    )


def _video(
    uri: str,
    container: InputContainer,
    stream: Any,  # noqa: ANN401 - a PyAV stream
    limits: LimitsConfig,
) -> tuple[VideoStream, str | None]:
    """Return a description of the stream to analyse, and its start timecode."""
    check_pixels(uri, stream.width, stream.height, limits, stage="probe")
    shape = PixelShape(stream)
    frame = _first_frame(container, stream)
    if frame is None:
        width, height = display_size(stream.width, stream.height, stream.sample_aspect_ratio)
        orientation = Orientation()
    else:
        orientation = orientation_of(frame)
        width, height = orientation.size(*shape.display_size(frame))
    video = VideoStream(
        index=stream.index,
        codec=codec_name(stream) or "",
        width=width,
        height=height,
        fps=float(stream.average_rate or stream.guessed_rate or 0),
        rotation=orientation.rotation,
        pixel_format=frame.format.name if frame else stream.codec_context.pix_fmt or "",
    )
    return video, timecode_of(container, stream, frame)


def check_pixels(uri: str, width: int, height: int, limits: LimitsConfig, *, stage: str) -> None:
    """Raise `MediaError` if a frame is too large to decode safely."""
    if width * height > limits.max_pixels:
        raise MediaError(
            ErrorKind.TOO_LARGE,
            f"{uri} has frames of {width} x {height} pixels, over limits.max_pixels = {limits.max_pixels}.",
            stage=stage,
        )


def _first_frame(container: InputContainer, stream: Any) -> VideoFrame | None:  # noqa: ANN401 - a PyAV stream
    """Decode the first frame. Only a frame knows its size, orientation, format and timecode."""
    try:
        for count, packet in enumerate(read_packets(container, stream)):
            if is_encrypted(packet):
                break  # FFmpeg would decode it to a frame without a meaning
            try:
                for frame in packet.decode():
                    return cast("VideoFrame", frame)
            except av.error.FFmpegError:
                pass  # the decoding pass counts it
            if count > _PACKETS_TO_FIRST_FRAME:
                break
    except av.error.FFmpegError as error:
        logger.info("No first frame: %s", error)
    return None
