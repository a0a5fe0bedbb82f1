"""Correct the times of streams whose packets state wrong durations, as a damaged table of durations gives them.

Such a file is consistent with itself: each timestamp is the sum of the durations before it. But an audio packet lasts
as long as the samples it holds, and a video is as long as its header and its audio say.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.container import InputContainer

from pipeline.analysis.media.look_ahead import Ahead, move, time_of
from pipeline.analysis.media.timeline import seconds

_FACTOR = 1.5
"""Durations that differ by less are believed."""
_ALIKE = 16
"""So many packets of the same wrong duration are no gaps."""
_LONG_S = 1.0
"""Where speech pauses, some codecs send a packet only now and then, but more often than that."""
_TRIED = 4
"""So many packets are decoded to learn how long they are."""
_MAX_AUDIO_S = 20.0
"""No single audio packet lasts so long."""
_SAME_S = 0.002
_MAX_AHEAD_BYTES = 32 * 1024 * 1024
_MIN_FRAME_S = 0.001
_FRAME_S = 0.04
_WARNING = "One stream states wrong durations; its packets were placed one after another."


@dataclass(frozen=True, slots=True)
class _Frames:
    """How long the frames of a video are whose table of durations is wrong."""

    frame_s: float
    """Seconds, on average."""
    table_frame_s: float
    """The same as the table says."""
    video_s: float

    def lasts_s(self, stated_s: float) -> float | None:
        """Return how long a frame lasts; None if the part of the table that states its duration may be right."""
        return self.frame_s if _alike(stated_s, self.table_frame_s) or stated_s > self.video_s else None


@dataclass(slots=True)
class _Track:
    """What is known of one stream so far."""

    frames: "_Frames | None"
    """If the table of the durations of frames is wrong."""
    count: int = 0
    due_s: float = 0.0
    """End of the last packet as stated."""
    end_s: float = 0.0
    """End of the last packet on the corrected clock."""
    moved_s: float = 0.0
    """By how much the stream is moved back."""
    scale: float = 1.0
    """Ratio of true to stated duration of the last packet."""
    wrong: dict[int, float] = field(default_factory=dict)
    """How long packets are that state a certain wrong duration."""

    def resume(self, time_s: float) -> None:
        """Look at the time of the next packet: it may be later than the last one ends, or the stream has returned."""
        jump_s = time_s - self.due_s
        if not self.moved_s or abs(jump_s) <= _SAME_S:
            return
        if abs(time_s - self.end_s) < abs(time_s - self.moved_s - self.end_s):
            self.moved_s = 0.0
        elif jump_s > 0:
            self.moved_s += jump_s * (1 - self.scale)  # packets between them were lost

    def go_on(self, time_s: float, stated_s: float, own_s: float) -> None:
        """Note a packet, with the duration that it states and its own one."""
        self.due_s, self.end_s = time_s + stated_s, time_s - self.moved_s + own_s
        self.moved_s += stated_s - own_s
        self.scale = own_s / stated_s
        self.count += 1


def with_true_durations(
    packets: Iterator[Any], container: InputContainer, moved: Callable[[str], None]
) -> Iterator[Any]:
    """Move the packets after one that states a wrong duration to where it ends.

    Args:
        packets: PyAV packets of any streams of the file.
        container: The file.
        moved: Called with a message if packets are moved.
    """
    if "mov" not in container.format.name.split(","):
        yield from packets  # other formats have no table of durations
        return
    ahead = Ahead(packets, max_bytes=_MAX_AHEAD_BYTES)
    tracks: dict[int, _Track] = {}
    for packet in ahead:
        time_s = time_of(packet)
        if time_s is None or not packet.duration:
            yield packet
            continue
        track = tracks.get(packet.stream_index)
        if track is None:
            track = tracks[packet.stream_index] = _Track(_wrong_frames(container, packet.stream))
        track.resume(time_s)
        move(packet, -track.moved_s)
        stated_s = seconds(packet.duration, packet.time_base)
        own_s = _own_s(packet, time_s, stated_s, tracks, ahead)
        if own_s is not None:
            if not track.moved_s:
                moved(_WARNING)
            packet.duration = round(own_s / packet.time_base)
            if packet.time_base > own_s:
                packet.dts = packet.pts = None  # its clock is too coarse to say when the packet begins
        track.go_on(time_s, stated_s, stated_s if own_s is None else own_s)
        yield packet


def _own_s(
    packet: Any,  # noqa: ANN401 - a PyAV packet
    time_s: float,
    stated_s: float,
    tracks: Mapping[int, _Track],
    ahead: Ahead,
) -> float | None:
    """Return how long a packet lasts in seconds; None if it states the truth."""
    track = tracks[packet.stream_index]
    known = track.wrong.get(packet.duration)
    if known is not None:
        return known
    if packet.stream.type == "video":
        return track.frames.lasts_s(stated_s) if track.frames else None
    if packet.stream.type != "audio":
        return None
    doubtful = (track.count < 2 or stated_s > _LONG_S) and not _alike(stated_s, _usual_s(packet.stream))
    if doubtful and _are_alike(packet, time_s, stated_s, ahead):
        own_s = _held_s(packet, ahead)
        if own_s and not _alike(stated_s, own_s):
            track.wrong[packet.duration] = own_s
            return own_s
    if stated_s > _MAX_AUDIO_S and _leads_nowhere(packet, time_s + stated_s, tracks, ahead):
        return _held_s(packet, ahead)
    return None


def _alike(one_s: float, other_s: float) -> bool:
    return one_s < _FACTOR * other_s and other_s < _FACTOR * one_s


def _usual_s(stream: Any) -> float:  # noqa: ANN401 - a PyAV stream
    """Return how long the packets of an audio stream are, if its header says so; else 0.0."""
    codec = stream.codec_context
    return codec.frame_size / codec.sample_rate if codec and codec.sample_rate else 0.0


def _are_alike(packet: Any, time_s: float, stated_s: float, ahead: Ahead) -> bool:  # noqa: ANN401
    """Return whether the packets that follow in the stream state the same duration, and come after it."""
    count, exact, due_s = 1, 1, time_s + stated_s
    for each in ahead.of_stream(packet.stream_index):
        each_s = seconds(each.dts, each.time_base)
        if each.duration != packet.duration or each_s < due_s - _SAME_S:
            return False
        count, exact = count + 1, exact + (each_s <= due_s + _SAME_S)  # those between may be lost
        due_s = each_s + stated_s
        if count == _ALIKE:
            break
    seen_all = count == _ALIKE or (count > 1 and stated_s > _LONG_S and not ahead.has_ended)
    return seen_all and exact > count / 2


def _leads_nowhere(packet: Any, due_s: float, tracks: Mapping[int, _Track], ahead: Ahead) -> bool:  # noqa: ANN401
    """Return whether the next packet of a stream is at a time that no other stream of the file reaches."""
    found: float | None = None
    others = [track.end_s for index, track in tracks.items() if index != packet.stream_index]
    if max(others, default=math.inf) > due_s - _MAX_AUDIO_S / 2:
        return False
    for each in ahead.following():
        each_s = time_of(each)
        if each_s is None:
            continue
        if each.stream_index == packet.stream_index:
            found = each_s if found is None else found
        elif each_s > due_s - _MAX_AUDIO_S / 2:
            return False
    return ahead.has_ended and found is not None and abs(found - due_s) <= _SAME_S


def _held_s(packet: Any, ahead: Ahead) -> float | None:  # noqa: ANN401 - a PyAV packet
    """Return how many seconds of audio the packets of the stream hold, as its own decoder says; None if it cannot say.

    Decoders leave out samples at the start of a stream, and where an edit list says so; so some packets are tried.
    """
    given = packet.stream.codec_context
    codec = cast("AudioCodecContext", av.CodecContext.create(given.codec.name, "r"))
    codec.extradata, codec.sample_rate, codec.layout = given.extradata, given.sample_rate, given.layout
    held: list[float] = []
    for each in chain([packet], ahead.of_stream(packet.stream_index)):
        try:
            frames = codec.decode(av.Packet(bytes(each)))  # without what the file says about samples to leave out
            held_s = sum(frame.samples / frame.sample_rate for frame in frames if frame.sample_rate)
        except (av.error.FFmpegError, ValueError):
            continue
        if held_s:
            held.append(held_s)
        if len(held) == _TRIED:
            break
    return max(held, default=None)


def _wrong_frames(container: InputContainer, stream: Any) -> _Frames | None:  # noqa: ANN401 - a PyAV stream
    """Return how long the frames of a video are if its table of durations is wrong; None if it may be right.

    It is wrong if the header states another length, and the samples of the audio are as many as the header says.
    """
    if stream.type != "video" or not (stream.duration and stream.frames and stream.average_rate):
        return None
    video_s, table_frame_s = seconds(stream.duration, stream.time_base), 1 / float(stream.average_rate)
    if video_s <= 0 or _alike(stream.frames * table_frame_s, video_s):
        return None
    if not any(_alike(audio.frames * _usual_s(audio), video_s) for audio in container.streams.audio):
        return None
    frame_s = video_s / stream.frames
    return _Frames(frame_s if frame_s > _MIN_FRAME_S else _FRAME_S, table_frame_s, video_s)
