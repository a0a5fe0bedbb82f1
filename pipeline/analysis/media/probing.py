"""Look into a media file: which picture and sound are to be analysed, and whether the file is acceptable at all."""

import logging
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer

from pipeline.analysis.media.sources import local_path, open_bytes, open_media
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from schemas.media import AudioStream, MediaInfo, VideoStream

logger = logging.getLogger(__name__)

_PACKETS_TO_FIRST_FRAME = 500
_MAX_ASPECT = 100


def probe(uri: str, config: MediaConfig, limits: LimitsConfig) -> MediaInfo:
    """Look into a file, and decode no more of it than its first picture.

    Args:
        uri: Local path or fsspec URI.
        config: Which sound track is wanted.
        limits: What is refused.

    Returns:
        What there is; `video` is None for sound alone, also with a cover picture.

    Raises:
        MediaError: It is no media file, holds neither picture nor sound, cannot be read, or is over the limits.
    """
    size_bytes = _size(uri)
    with open_media(uri) as container:
        duration_s = _duration_s(container)
        if duration_s > limits.max_duration_s:
            raise MediaError(
                ErrorKind.TOO_LARGE,
                f"{uri} lasts {duration_s:.0f} s, over limits.max_duration_s = {limits.max_duration_s:g}.",
                stage="probe",
            )
        pictures = [stream for stream in container.streams.video if _decodable(stream)]
        moving = [stream for stream in pictures if not _attached(stream)]
        sounds = [stream for stream in container.streams.audio if _decodable(stream)]
        if not moving and not sounds:
            raise _nothing_to_see(uri, container)
        video = _video(uri, container, moving, limits) if moving else None
        return MediaInfo(
            uri=uri,
            size_bytes=size_bytes,
            container=container.format.name,
            duration_s=duration_s,
            video=video,
            audio=_audio(uri, sounds, config),
            audio_tracks=len(container.streams.audio),
            has_attached_picture=len(moving) < len(pictures),
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


def _attached(stream: Any) -> bool:  # noqa: ANN401
    disposition = av.stream.Disposition
    return bool(stream.disposition & (disposition.attached_pic | disposition.timed_thumbnails))


def _nothing_to_see(uri: str, container: InputContainer) -> MediaError:
    unknown = [stream for stream in container.streams if stream.type in {"video", "audio"}]
    if any(not _decodable(stream) for stream in unknown):
        message = f"{uri}: FFmpeg has no decoder for its streams. Convert it first."
        return MediaError(ErrorKind.UNSUPPORTED, message, stage="probe")
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
    message = f"{uri} holds neither moving pictures nor sound (streams: {kinds})."
    return MediaError(ErrorKind.NO_STREAMS, message, stage="probe")


def _video(uri: str, container: InputContainer, streams: Sequence[Any], limits: LimitsConfig) -> VideoStream:
    default = av.stream.Disposition.default
    # Several angles or sizes: the default one, and of those the largest.
    stream = max(streams, key=lambda each: (bool(each.disposition & default), each.width * each.height, -each.index))
    check_pixels(uri, stream.width, stream.height, limits, stage="probe")
    rotation, pixel_format = _first_picture(container, stream)
    width, height = display_size(stream.width, stream.height, stream.sample_aspect_ratio)
    if rotation in {90, 270}:
        width, height = height, width
    return VideoStream(
        index=stream.index,
        codec=stream.codec_context.name,
        width=width,
        height=height,
        fps=float(stream.average_rate or stream.guessed_rate or 0),
        rotation=rotation,
        pixel_format=pixel_format,
    )


def display_size(width: int, height: int, sample_aspect_ratio: Fraction | None) -> tuple[int, int]:
    """Return the size with square pixels: pixels that are wider than high widen the picture, others heighten it."""
    aspect = sample_aspect_ratio or Fraction(1)
    if aspect <= 0 or not Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT:
        return width, height
    return (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))


def check_pixels(uri: str, width: int, height: int, limits: LimitsConfig, *, stage: str) -> None:
    """Raise `MediaError` where a picture is too large to be decoded safely."""
    if width * height > limits.max_pixels:
        raise MediaError(
            ErrorKind.TOO_LARGE,
            f"{uri} has pictures of {width} x {height} pixels, over limits.max_pixels = {limits.max_pixels}.",
            stage=stage,
        )


def upright(rotation: int) -> int:
    """Return the clockwise turn, in quarter turns as degrees, for what FFmpeg states counter-clockwise."""
    return round(-rotation / 90) * 90 % 360


def _first_picture(container: InputContainer, stream: Any) -> tuple[int, str]:  # noqa: ANN401 - a PyAV stream
    """Decode up to the first picture: only it tells how it is turned."""
    try:
        for count, packet in enumerate(container.demux(stream)):
            try:
                for frame in packet.decode():
                    return upright(frame.rotation), frame.format.name
            except av.error.FFmpegError:
                pass  # counted by the decoding pass
            if count > _PACKETS_TO_FIRST_FRAME:
                break
    except av.error.FFmpegError as error:
        logger.info("No first picture: %s", error)
    return 0, stream.codec_context.pix_fmt or ""


def _audio(uri: str, streams: Sequence[Any], config: MediaConfig) -> AudioStream | None:
    if not streams:
        return None
    default = av.stream.Disposition.default
    chosen = next((stream for stream in streams if stream.disposition & default), streams[0])
    if config.audio_track is not None:
        if config.audio_track < len(streams):
            chosen = streams[config.audio_track]
        else:
            logger.warning("%s has no sound track %d; its default track is taken.", uri, config.audio_track)
    context = chosen.codec_context
    return AudioStream(
        index=chosen.index,
        codec=context.name,
        channels=context.channels or 0,
        sample_rate_hz=context.sample_rate or 0,
        language=chosen.language if chosen.language not in {None, "und"} else None,
        default=bool(chosen.disposition & default),
    )
