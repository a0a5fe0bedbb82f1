"""Write video and audio files from frames and samples, with PyAV."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, count
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from numpy.typing import NDArray

from schemas.media import SAMPLE_RATE_HZ

Picture = NDArray[np.uint8]
"""(height, width, 3) RGB, or 4 with alpha."""

Audio = NDArray[np.float32]
"""(n,) mono at 16 kHz, or (channels, n); in [-1, 1]."""

_CLOCK_HZ = 90_000  # the MPEG clock, precise enough for frame times
_BT709 = 1
_QUALITY: Mapping[str, Mapping[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "21"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0"},
}


def write_video(
    path: Path,
    frames: Iterable[Picture],
    *,
    fps: float | Fraction = 25,
    times_s: Iterable[float] | None = None,
    audio: Audio | Sequence[Audio] | None = None,
    audio_start_s: float = 0.0,
    audio_languages: Sequence[str] = (),
    rotation: int = 0,
    codec: str = "libx264",
    audio_codec: str = "aac",
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write a video file; the extension determines the container.

    The same input gives the same bytes with the same libraries. Successive frames that are the same object, such as a
    slide, are converted only once.

    Args:
        path: The file.
        frames: uint8 [height, width, 3] RGB (or 4 with alpha), all of one size with even sides; read one by one.
        fps: Frames per second, unless `times_s` is given.
        times_s: Presentation time of each frame, increasing, for a variable frame rate.
        audio: float32 [n] mono or [channels, n] at 16 kHz; or several, one per track.
        audio_start_s: Time of the first sample.
        audio_languages: Language of each track (ISO 639-2), for the container.
        rotation: Degrees by which a player must turn the frames clockwise.
        codec: Video encoder.
        audio_codec: Audio encoder.
        pixel_format: Pixel format of the encoded frames.
        options: Options of the video encoder, instead of the defaults for fast encoding with good quality.

    Returns:
        `path`.

    Raises:
        ValueError: There are no frames.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError(f"no frames for {path}")
    tracks = [] if audio is None else [audio] if isinstance(audio, np.ndarray) else list(audio)
    rate = Fraction(fps).limit_denominator(1001)
    clock = Fraction(1, _CLOCK_HZ) if times_s is not None else 1 / rate
    with _create(path) as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=rate))
        stream.options = dict(_QUALITY.get(codec, {})) if options is None else dict(options)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt, stream.time_base = pixel_format, clock
        coder = stream.codec_context
        coder.time_base = clock
        coder.colorspace, coder.color_primaries, coder.color_trc = _BT709, _BT709, _BT709
        coder.color_range = ColorRange.MPEG
        coder.thread_count = 1  # x264 splits frames by threads, so more threads would change the bytes
        if rotation:
            stream.set_display_rotation(-rotation)  # FFmpeg counts counter-clockwise
        writers = [_Track.open(container, audio_codec, samples, audio_start_s) for samples in tracks]
        for writer, language in zip(writers, audio_languages, strict=False):
            writer.stream.metadata["language"] = language
        container.start_encoding()
        for picture, ticks in zip(_converted(first, pictures, pixel_format), _ticks(times_s), strict=False):
            picture.pts, picture.time_base = ticks, clock
            for writer in writers:  # interleave with the frames, so that neither stream waits for the other
                writer.write_until(float(ticks * clock), container)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        for writer in writers:
            writer.finish(container)
    return path


def write_audio(path: Path, audio: Audio, *, codec: str, metadata: Mapping[str, str] | None = None) -> Path:
    """Write an audio file; the extension determines the container.

    Args:
        path: The file.
        audio: float32 [n] mono or [channels, n] at 16 kHz.
        codec: Encoder, e.g. `flac`, `pcm_s16le`, `libmp3lame`.
        metadata: Tags, e.g. `title`.

    Returns:
        `path`.
    """
    with _create(path) as container:
        container.metadata.update(metadata or {})
        track = _Track.open(container, codec, audio, 0.0)
        track.finish(container)
    return path


@dataclass(slots=True)
class _Track:
    """An audio track that is being written."""

    stream: AudioStream
    samples: Audio
    """(channels, n)."""
    start_s: float
    written: int = field(default=0)

    @classmethod
    def open(cls, container: OutputContainer, codec: str, samples: Audio, start_s: float) -> "_Track":
        channels = np.atleast_2d(np.asarray(samples, np.float32))
        layout = {1: "mono", 2: "stereo"}[channels.shape[0]]
        stream = container.add_stream(codec, rate=SAMPLE_RATE_HZ, layout=layout)
        return cls(cast("AudioStream", stream), channels, start_s)

    def write_until(self, time_s: float, container: OutputContainer) -> None:
        """Encode the samples before a time."""
        self._write(round((time_s - self.start_s) * SAMPLE_RATE_HZ), container)

    def finish(self, container: OutputContainer) -> None:
        """Encode the rest."""
        self._write(self.samples.shape[1], container)
        container.mux(self.stream.encode(None))

    def _write(self, end: int, container: OutputContainer) -> None:
        end = min(end, self.samples.shape[1])
        step = SAMPLE_RATE_HZ // 10
        while self.written < end:
            piece = np.ascontiguousarray(self.samples[:, self.written : min(end, self.written + step)])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=self.stream.codec_context.layout.name)
            frame.sample_rate, frame.time_base = SAMPLE_RATE_HZ, Fraction(1, SAMPLE_RATE_HZ)
            frame.pts = round(self.start_s * SAMPLE_RATE_HZ) + self.written
            container.mux(self.stream.encode(frame))
            self.written += piece.shape[1]


def _create(path: Path) -> OutputContainer:
    """Open a file for writing without version and date in it, so that the same content gives the same bytes."""
    return av.open(str(path), "w", options={"fflags": "+bitexact"})


def _ticks(times_s: Iterable[float] | None) -> Iterator[int]:
    if times_s is None:
        return count()
    return (round(time_s * _CLOCK_HZ) for time_s in times_s)


def _converted(first: Picture, rest: Iterator[Picture], pixel_format: str) -> Iterator[av.VideoFrame]:
    """Convert pictures to frames for the encoder."""
    last: Picture | None = None
    for picture in chain((first,), rest):
        if picture is not last:
            form = "rgba" if picture.shape[2] == 4 else "rgb24"
            source = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=form)
            converted = source.reformat(format=pixel_format, dst_colorspace="ITU709", dst_color_range=ColorRange.MPEG)
            last = picture
        yield converted
