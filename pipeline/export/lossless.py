"""Cut audio to the sample, and write it as FLAC or WAV without loss.

Packets are not copied into such files. FLAC's header has the length of the whole file, and its frames are numbered from
its start. WAV would accept any codec, but few programs would play the file.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream

from pipeline.export.clip import Clip, muxer, output_file
from pipeline.export.source import Source, decoded, open_source
from schemas.errors import ExportError

LOSSLESS_ENDINGS = frozenset({".flac", ".wav"})
"""File extensions of lossless clips."""
_LEAD_S = 0.5
_LOSSLESS_CODECS = frozenset({"flac", "alac", "wavpack", "tta", "truehd", "mlp", "ape"})
_FLAC_FORMATS = {"u8": "s16", "s16": "s16", "s32": "s32"}
_WAV_CODECS = {"u8": "pcm_u8", "s16": "pcm_s16le", "s32": "pcm_s32le", "flt": "pcm_f32le", "dbl": "pcm_f64le"}
_FLAC_UNUSED_BITS = 0xFF
"""Of 32, since FFmpeg's FLAC holds 24."""


def cut_audio(
    uri: str, start_s: float, end_s: float, target: Path, *, clock_jumps: int = 0, audio_track: int | None = None
) -> Clip:
    """Cut audio to the sample, and write the same samples as FLAC or PCM.

    Args:
        uri: The file. Its video is left out.
        start_s: Seconds from its start.
        end_s: Seconds from its start.
        target: File to write, .flac or .wav.
        clock_jumps: How often the clock of the file jumps.
        audio_track: Number of the audio track that was transcribed; None for the one that is chosen by default.

    Returns:
        The clip.

    Raises:
        MediaError: The file cannot be read.
        ExportError: The audio has lossy compression, has more than one track or is shorter; or the file cannot be
            written.
    """
    with open_source(uri, clock_jumps=clock_jumps, audio_track=audio_track) as source, output_file(target) as file:
        track = _only_track(uri, source, target)
        try:
            with av.open(file, "w", format=muxer(target)) as made:
                form, codec = _form(uri, track, target)
                rate, layout = track.codec_context.sample_rate, track.codec_context.layout.name
                stream = cast("AudioStream", made.add_stream(codec, rate=rate, layout=layout))
                stream.codec_context.format = "s32" if codec == "pcm_s24le" else form
                first, last = round(start_s * rate), round(end_s * rate)
                written = 0
                packets = replace(source, video=None).packets(start_s - _LEAD_S)
                for samples in _samples(packets, track, form, (first, last)):
                    if codec == "flac" and form == "s32" and np.any(samples & _FLAC_UNUSED_BITS):
                        raise _unfit(uri, "of more than 24 bits", target)
                    frame = av.AudioFrame.from_ndarray(samples, format=form, layout=layout)
                    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), written
                    written += frame.samples
                    made.mux(stream.encode(frame))
                made.mux(stream.encode(None))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ExportError(f"The audio of {uri} cannot be written into {target.name}: {reason}.") from error
        if not written:
            raise ExportError(f"{uri} has nothing between {start_s:g} and {end_s:g} s.")
        return Clip(target, first / rate, (first + written) / rate)
    raise AssertionError("unreachable")


def _only_track(uri: str, source: Source, target: Path) -> AudioStream:
    if len(source.audio) != 1:
        raise ExportError(f"{uri} has {len(source.audio)} audio tracks, and {target.name} can hold one.")
    track = cast("AudioStream", source.audio[0])
    codec = track.codec_context.name
    if codec not in _LOSSLESS_CODECS and not codec.startswith("pcm_"):
        raise _unfit(uri, f"lossy ({codec})", target)
    return track


def _unfit(uri: str, what: str, target: Path) -> ExportError:
    return ExportError(
        f"The audio of {uri} is {what}, and cannot be copied into {target.name}. Re-encode with --exact, or name an "
        ".mka or .mkv file."
    )


def _form(uri: str, track: AudioStream, target: Path) -> tuple[str, str]:
    """Return FFmpeg's names of the sample format and the codec that hold the same samples."""
    packed = track.codec_context.format.packed.name
    if target.suffix.lower() == ".flac":
        if packed not in _FLAC_FORMATS:
            raise _unfit(uri, f"not in integers ({packed})", target)
        return _FLAC_FORMATS[packed], "flac"
    if packed not in _WAV_CODECS:
        raise _unfit(uri, f"in a format that WAV does not have ({packed})", target)
    in_24_bits = track.codec_context.name in {"pcm_s24le", "pcm_s24be"}
    return packed, "pcm_s24le" if in_24_bits else _WAV_CODECS[packed]


def _samples(packets: Iterator[Any], track: AudioStream, form: str, span: tuple[int, int]) -> Iterator[Any]:
    """Yield the samples of a range, counted from the start of the file: (1, n x channels), interleaved."""
    rate, channels = track.codec_context.sample_rate, track.codec_context.layout.nb_channels
    packer = av.AudioResampler(format=form, layout=track.codec_context.layout.name, rate=rate)
    position: int | None = None
    for packet in packets:
        for given in decoded(packet):
            if position is None:
                if given.time is None:
                    raise ValueError("samples have no timestamps")
                position = round(given.time * rate)
            for frame in packer.resample(given):
                begin, position = position, position + frame.samples
                first, stop = max(0, span[0] - begin), min(frame.samples, span[1] - begin)
                if stop > first:
                    yield np.ascontiguousarray(frame.to_ndarray()[:, first * channels : stop * channels])
            if position >= span[1]:
                return
