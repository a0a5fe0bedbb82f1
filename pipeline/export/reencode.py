"""Cut a time range out of a video to the frame and the sample, by re-encoding it."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from pipeline.analysis.media import PixelShape, Timeline, plausible_s
from pipeline.export.clip import TRAIL_S, Clip, muxer, output_file
from pipeline.export.framing import Framing
from pipeline.export.source import Source, decoded, describe_audio, keyframe_before, open_source
from schemas.errors import ExportError

logger = logging.getLogger(__name__)

_CLOCK_HZ = 90_000
_DEFAULT_FPS = 25
_LEAD_S = 1.0
"""Audio decoders need a moment to settle."""
_H264, _AAC = "libx264", "aac"
_CODERS = {
    ".webm": ("libvpx-vp9", "libopus"), ".mka": ("", _AAC), ".m4a": ("", _AAC), ".mp3": ("", "libmp3lame"),
    ".wav": ("", "pcm_s16le"), ".ogg": ("", "libopus"), ".opus": ("", "libopus"), ".flac": ("", "flac"),
}  # fmt: skip
_OPTIONS = {
    "libx264": {"preset": "fast", "crf": "18"},
    "libvpx-vp9": {"crf": "30", "b": "0", "deadline": "good", "cpu-used": "4"},
}
_MAX_HZ = 48_000


def exact_ending(uri: str, *, has_video: bool) -> str:
    """Return the file extension of an encoded clip: that of the video if there is an encoder, or else MP4's."""
    ending = Path(uri).suffix.lower()
    if has_video:
        return ending if ending in {".mp4", ".m4v", ".mov", ".mkv", ".webm"} else ".mp4"
    return ending if ending in _CODERS and ending != ".webm" else ".m4a"


def encode_clip(
    uri: str, start_s: float, end_s: float, target: Path, *, clock_jumps: int = 0, audio_track: int | None = None
) -> Clip:
    """Cut a time range out of a video exactly. The clip starts with the frame shown at `start_s`.

    Args:
        uri: The video.
        start_s: Seconds from its start.
        end_s: Seconds from its start.
        target: File to write. Its extension selects the container and the encoders.
        clock_jumps: How often the clock of the file jumps.
        audio_track: Number of the audio track that was transcribed; None for the one that is chosen by default.

    Returns:
        The clip.

    Raises:
        MediaError: The video cannot be read.
        ExportError: The video is shorter, there is no encoder, or the file cannot be written.
    """
    with open_source(uri, clock_jumps=clock_jumps, audio_track=audio_track) as opened, output_file(target) as file:
        video_codec, audio_codec = _CODERS.get(target.suffix.lower(), (_H264, _AAC))
        source = opened if video_codec else replace(opened, video=None)
        if not source.streams:
            raise ExportError(f"{uri} has no audio, and {target.name} holds nothing else. Name an .mp4 or .mkv file.")
        try:
            first_s = start_s
            if source.video and source.continuous:
                first_s = min(start_s, keyframe_before(uri, start_s, clock_jumps, audio_track) or 0.0)
            with av.open(file, "w", format=muxer(target)) as made:
                encoders = _encoders(made, source, (video_codec, audio_codec), (start_s, end_s))
                _encode(source.packets(first_s - _LEAD_S), made, encoders, end_s + TRAIL_S)
                last_s = max((encoder.last_s for encoder in encoders.values()), default=0.0)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ExportError(f"{uri} cannot be encoded into {target.name}: {reason}.") from error
        if not last_s:
            raise ExportError(f"{uri} has nothing between {start_s:g} and {end_s:g} s.")
        return Clip(target, start_s, min(end_s, start_s + last_s))
    raise AssertionError("unreachable")


def _encoders(
    made: OutputContainer, source: Source, coders: tuple[str, str], span_s: tuple[float, float]
) -> dict[int, "_VideoEncoder | _AudioEncoder"]:
    encoders: dict[int, _VideoEncoder | _AudioEncoder] = {}
    if source.video:
        encoders[source.video.index] = _VideoEncoder(made, coders[0], source.video, span_s)
    audio = {each.index: _AudioEncoder(made, coders[1], each, span_s) for each in source.audio}
    describe_audio({index: encoder.stream for index, encoder in audio.items()}, source)
    return encoders | audio


def _encode(
    packets: Iterator[Any],
    made: OutputContainer,
    encoders: dict[int, "_VideoEncoder | _AudioEncoder"],
    last_s: float,
) -> None:
    """Encode until all streams are done, or the file is past `last_s`, when streams without packets have ended."""
    unfinished = set(encoders)
    muxed = _Muxer(made, encoders.values())
    for packet in packets:
        encoder = encoders[packet.stream.index]
        if packet.stream.index not in unfinished:
            if packet.dts is not None and packet.dts * packet.time_base >= last_s:
                break
            continue
        for frame in decoded(packet):
            muxed.add(encoder.add(frame))
        if encoder.done:
            unfinished.discard(packet.stream.index)
        if not unfinished:
            break
    for encoder in encoders.values():
        muxed.add(encoder.finish())


class _Muxer:
    """Writes packets once the size of the clip is known: the header states it, and audio may come first."""

    def __init__(self, made: OutputContainer, encoders: Iterable["_VideoEncoder | _AudioEncoder"]) -> None:
        self._made = made
        self._video = [encoder for encoder in encoders if isinstance(encoder, _VideoEncoder)]
        self._waiting: list[Any] = []

    def add(self, packets: Iterable[Any]) -> None:
        self._waiting.extend(packets)
        if all(encoder.begun for encoder in self._video):
            self._made.mux(self._waiting)
            self._waiting = []


@dataclass(slots=True)
class _Span:
    start_s: float
    end_s: float


class _VideoEncoder:
    """Encodes frames, starting with the one shown at the start."""

    def __init__(self, made: OutputContainer, codec: str, source: VideoStream, span_s: tuple[float, float]) -> None:
        self._timeline = Timeline(warn=logger.info)
        self._span = _Span(*span_s)
        self._held: Any = None
        self._held_s = 0.0
        self._shape = PixelShape(source)
        self._framing: Framing | None = None
        self.begun = False
        """Whether the size of the clip is known."""
        stream = cast(
            "VideoStream", made.add_stream(codec, rate=source.average_rate or source.guessed_rate or _DEFAULT_FPS)
        )
        stream.options = dict(_OPTIONS[codec])
        stream.time_base = stream.codec_context.time_base = Fraction(1, _CLOCK_HZ)
        self._stream = stream
        self.last_s = 0.0
        self.done = False

    def add(self, frame: Any) -> Iterator[Any]:  # noqa: ANN401 - a PyAV frame
        if self.done:
            return
        time_s = self._timeline.time_of(frame.pts, frame.time_base, plausible_s(frame.duration, frame.time_base))
        if self._held is not None and time_s > self._span.start_s:
            yield from self._encoded(min(time_s, self._span.end_s))
        self._held, self._held_s = frame, time_s
        if time_s >= self._span.end_s:
            self._held, self.done = None, True

    def finish(self) -> Iterator[Any]:
        if self._held is not None:
            length_s = float((self._held.duration or 0) * self._held.time_base)
            if self._held_s + length_s > self._span.start_s:
                yield from self._encoded(min(self._held_s + length_s, self._span.end_s))
        if not self.begun:  # nothing was shown, but the header states a size
            self._stream.width, self._stream.height, self._stream.pix_fmt = 2, 2, "yuv420p"
            self.begun = True
        yield from self._stream.encode(None)

    def _encoded(self, until_s: float) -> Iterator[Any]:
        frame, begin_s = self._held, max(0.0, self._held_s - self._span.start_s)
        self._held = None
        self.last_s = max(self.last_s, until_s - self._span.start_s, begin_s + 1e-3)
        self._framing = self._framing or self._begin(frame)
        made = self._framing.fit(frame)
        made.pts, made.time_base = round(begin_s * _CLOCK_HZ), Fraction(1, _CLOCK_HZ)
        made.pict_type = 0
        made.duration = max(1, round((until_s - self._span.start_s - begin_s) * _CLOCK_HZ))
        yield from self._stream.encode(made)

    def _begin(self, frame: Any) -> Framing:  # noqa: ANN401 - a PyAV frame
        """Set up the encoder for frames that look like this one."""
        coder = self._stream.codec_context
        formats = {each.name for each in coder.codec.video_formats or ()}
        framing = Framing(self._shape, frame, formats, square=coder.name != _H264)
        (self._stream.width, self._stream.height), self._stream.pix_fmt = framing.size, framing.format
        coder.sample_aspect_ratio = framing.aspect
        coder.colorspace, coder.color_primaries, coder.color_trc, coder.color_range = framing.colours
        self.begun = True
        return framing


class _AudioEncoder:
    """Encodes samples, starting at the start."""

    def __init__(self, made: OutputContainer, codec: str, source: AudioStream, span_s: tuple[float, float]) -> None:
        self._timeline = Timeline(warn=logger.info)
        self._span = _Span(*span_s)
        self._rate = _MAX_HZ if codec == "libopus" else min(source.codec_context.sample_rate, _MAX_HZ)
        layout = "mono" if source.codec_context.layout.nb_channels == 1 else "stereo"
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._layout = layout
        self.stream = cast("AudioStream", made.add_stream(codec, rate=self._rate, layout=layout))
        self._next: int | None = None
        self._written = 0
        self.last_s = 0.0
        self.done = False

    def add(self, frame: Any) -> Iterator[Any]:  # noqa: ANN401 - a PyAV frame
        if self.done or not frame.samples:
            return
        time_s = self._timeline.time_of(frame.pts, frame.time_base, frame.samples / frame.sample_rate)
        for block in self._resampled(frame):
            begin = self._position(time_s, block.samples)
            yield from self._encoded(block.to_ndarray(), begin)

    def finish(self) -> Iterator[Any]:
        yield from self.stream.encode(None)

    def _resampled(self, frame: Any) -> list[Any]:  # noqa: ANN401 - a PyAV frame
        given = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or given != self._format:
            self._format = given
            self._resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._rate)
        return self._resampler.resample(frame)

    def _position(self, time_s: float, samples: int) -> int:
        """Return the position of a block's first sample. Blocks follow each other unless the stream has a gap."""
        stated = round((time_s - self._span.start_s) * self._rate)
        begin = stated if self._next is None or abs(stated - self._next) > self._rate // 20 else self._next
        self._next = begin + samples
        return begin

    def _encoded(self, samples: Any, begin: int) -> Iterator[Any]:  # noqa: ANN401 - (channels, n) float32
        last = round((self._span.end_s - self._span.start_s) * self._rate)
        self.done = begin + samples.shape[1] >= last
        # Joined files overlap: what has been written is not written again.
        first, stop = max(0, self._written - begin), min(samples.shape[1], last - begin)
        if stop <= first:
            return
        piece = np.ascontiguousarray(samples[:, first:stop])
        made = av.AudioFrame.from_ndarray(piece, format="fltp", layout=self._layout)
        made.sample_rate, made.time_base = self._rate, Fraction(1, self._rate)
        made.pts = begin + first
        self._written = begin + stop
        self.last_s = max(self.last_s, self._written / self._rate)
        yield from self.stream.encode(made)
