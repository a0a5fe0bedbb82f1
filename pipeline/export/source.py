"""A video to cut: its streams, and its packets with the times of the lake."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import av
from av.container import InputContainer

from pipeline.analysis.media import (
    best_video,
    choose_audio,
    encryption_error,
    find_encryption,
    is_encrypted,
    open_bytes,
    open_media,
    packets_from,
)

SAME_S = 1e-6
_NO_TIMESTAMPS = cast("int", av.format.Flags.no_timestamps.value)
_DESCRIBED = ("language", "title")
_LOOK_BACK_S = (0.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Source:
    """An open video, and the streams to cut: one video stream, and all audio streams."""

    uri: str
    container: InputContainer
    video: Any
    """A PyAV stream, or None."""
    audio: Sequence[Any]
    continuous: bool
    """Whether all packets have timestamps, of a clock that never jumps. Only then can a time be sought."""
    main_audio: int | None
    """Index of the audio stream that was analysed. It moves the clock, and the others follow."""
    partly_encrypted: bool
    """Whether single packets may be encrypted. They are left out."""

    @property
    def streams(self) -> list[Any]:
        """All streams."""
        return [*([self.video] if self.video else []), *self.audio]

    @property
    def codecs(self) -> str:
        """Their codecs, for messages."""
        return ", ".join(stream.codec_context.name for stream in self.streams)

    def packets(self, start_s: float) -> Iterator[Any]:
        """Read packets from a position before a time. Their timestamps count from the start of the video."""
        others = {each.index for each in self.audio} - {self.main_audio}
        packets = packets_from(
            self.uri, self.container, self.streams, start_s, continuous=self.continuous, followers=others
        )
        return (packet for packet in packets if not (self.partly_encrypted and is_encrypted(packet)))


@contextmanager
def open_source(uri: str, *, clock_jumps: int = 0, audio_track: int | None = None) -> Iterator[Source]:
    """Open a video, with the video stream that is analysed, and all audio streams. None of them is encrypted.

    Args:
        uri: The video.
        clock_jumps: How often the clock of the file jumps.
        audio_track: Number of the audio track that was transcribed; None for the one that is chosen by default.

    Raises:
        MediaError: It cannot be read, or all its streams are encrypted.
    """
    with open_media(uri) as container:
        with open_bytes(uri) as file:
            locked, partly_encrypted = find_encryption(file, container)
        best = best_video(container, locked)
        audio = [each for each in container.streams.audio if each.codec_context and each.index not in locked]
        if locked and not best and not audio:
            raise encryption_error(uri, stage="clip")
        heard, _ = choose_audio(container, locked, audio_track)
        for each in container.streams:
            if each is not best and each not in audio:
                each.discard = av.stream.Discard.all
        continuous = not clock_jumps and not container.format.flags & _NO_TIMESTAMPS
        main_audio = heard[0].index if heard else None
        yield Source(uri, container, best, audio, continuous, main_audio, partly_encrypted)


def describe_audio(made: Mapping[int, Any], source: Source) -> None:
    """Give audio tracks of a clip their languages and titles, and let players choose the one that was transcribed.

    Args:
        made: Audio streams of the clip, by the index of their source.
        source: Where they come from.
    """
    default = av.stream.Disposition.default
    for each in source.audio:
        made[each.index].metadata.update({key: each.metadata[key] for key in _DESCRIBED if key in each.metadata})
        if len(source.audio) > 1:
            chosen = default if each.index == source.main_audio else 0
            made[each.index].disposition = each.disposition & ~default | chosen


def time_of(packet: Any) -> float:  # noqa: ANN401 - a PyAV packet
    """Return the presentation time of a packet in seconds from the start of the video."""
    return float(packet.pts * packet.time_base)


def keyframe_before(uri: str, start_s: float, clock_jumps: int, audio_track: int | None) -> float | None:
    """Return the time of the last keyframe of a video at or before a time, or else of its first keyframe.

    Returns:
        Seconds from the start of the video; None if no keyframe has a known time.

    Raises:
        MediaError: The video cannot be read.
    """
    found: float | None = None
    for back_s in (*_LOOK_BACK_S, start_s):
        with open_source(uri, clock_jumps=clock_jumps, audio_track=audio_track) as source:
            # Where the clock jumps, the next part starts after all streams.
            read = replace(source, audio=()) if source.continuous else source
            for packet in read.packets(start_s - back_s):
                if packet.stream_index != source.video.index or packet.pts is None or not packet.size:
                    continue
                time_s = time_of(packet)
                if time_s > start_s + SAME_S and found is not None:
                    return found
                if packet.is_keyframe:
                    found = time_s if found is None or time_s <= start_s + SAME_S else found
                    if time_s > start_s + SAME_S:
                        break
        if found is not None and found <= start_s + SAME_S:
            return found
    return found


def decoded(packet: Any) -> list[Any]:  # noqa: ANN401 - a PyAV packet
    """Return the frames of a packet; none if it is damaged: the decoder continues with the next packet."""
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []
