"""Probe a media file: choose the video and audio streams to analyse, and refuse files that cannot be analysed."""

import logging
from collections.abc import Sequence
from typing import Any, cast

import av
from av import VideoFrame
from av.container import InputContainer

from pipeline.analysis.media.encryption import encryption_error, find_encryption, is_encrypted
from pipeline.analysis.media.geometry import Orientation, PixelShape, display_size, orientation_of
from pipeline.analysis.media.metadata import codec_name, created_at, is_cover, language_of, timecode_of, tracks_of
from pipeline.analysis.media.sources import open_bytes, open_media, read_packets
from pipeline.locations import local_path
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from schemas.media import AudioStream, MediaInfo, VideoStream

logger = logging.getLogger(__name__)

_PACKETS_TO_FIRST_FRAME = 500


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
        images = [stream for stream in container.streams.video if _decodable(stream) and stream.index not in locked]
        videos = [stream for stream in images if not is_cover(stream)]
        audios = [stream for stream in container.streams.audio if _decodable(stream) and stream.index not in locked]
        if not videos and not audios:
            raise encryption_error(uri, stage="probe") if locked else _no_streams(uri, container)
        tracks, recorded_at = tracks_of(container), created_at(container)
        video, timecode = _video(uri, container, videos, limits) if videos else (None, None)
        return MediaInfo(
            uri=uri,
            size_bytes=size_bytes,
            container=container.format.name,
            duration_s=_duration_s(container),
            video=video,
            audio=_audio(uri, audios, config),
            audio_tracks=len(container.streams.audio),
            has_attached_picture=len(videos) < len(images),
            tracks=tracks,
            timecode=timecode,
            created_at=recorded_at,
            encrypted_tracks=len(locked),
            partly_encrypted=partly_encrypted,
        )


def _size(uri: str) -> int:
    path = local_path(uri)
    if path is not None and path.is_file():
        return path.stat().st_size
    with open_bytes(uri) as file:
        return file.seek(0, 2)


def _duration_s(container: InputContainer) -> float:
    if container.duration is not None and container.duration > 0:
        return float(container.duration / av.time_base)
    lengths = [
        float(stream.duration * stream.time_base)
        for stream in container.streams
        if stream.duration and stream.time_base and stream.type in {"video", "audio"}
    ]
    return max(0.0, max(lengths, default=0.0))


def _decodable(stream: Any) -> bool:  # noqa: ANN401 - a PyAV stream of any kind
    return stream.codec_context is not None


def _no_streams(uri: str, container: InputContainer) -> MediaError:
    streams = [stream for stream in container.streams if stream.type in {"video", "audio"}]
    if any(not _decodable(stream) for stream in streams):
        message = f"{uri}: FFmpeg has no decoder for its streams. Convert it first."
        return MediaError(ErrorKind.UNSUPPORTED, message, stage="probe")
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
    message = f"{uri} has neither video nor audio (streams: {kinds})."
    return MediaError(ErrorKind.NO_STREAMS, message, stage="probe")


def _video(
    uri: str, container: InputContainer, streams: Sequence[Any], limits: LimitsConfig
) -> tuple[VideoStream, str | None]:
    """Return the stream to analyse, and its start timecode."""
    default = av.stream.Disposition.default
    # With several angles or sizes, prefer a default stream, then the largest.
    stream = max(streams, key=lambda each: (bool(each.disposition & default), each.width * each.height, -each.index))
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


def _audio(uri: str, streams: Sequence[Any], config: MediaConfig) -> AudioStream | None:
    if not streams:
        return None
    default = av.stream.Disposition.default
    chosen = next((stream for stream in streams if stream.disposition & default), streams[0])
    if config.audio_track is not None:
        if config.audio_track < len(streams):
            chosen = streams[config.audio_track]
        else:
            logger.warning("%s has no audio track %d; using its default track.", uri, config.audio_track)
    context = chosen.codec_context
    return AudioStream(
        index=chosen.index,
        codec=codec_name(chosen) or "",
        channels=context.channels or 0,
        sample_rate_hz=context.sample_rate or 0,
        language=language_of(chosen),
        default=bool(chosen.disposition & default),
    )
