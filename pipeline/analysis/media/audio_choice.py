"""Choose the audio track to analyse, and those to try if nobody speaks in it."""

from collections.abc import Set
from typing import Any

import av
from av.container import InputContainer

from pipeline.analysis.media.metadata import codec_name, language_of, title_of
from pipeline.language import language_code
from schemas.media import AudioStream

_DISPOSITION = av.stream.Disposition
_SECONDARY = (
    _DISPOSITION.comment
    | _DISPOSITION.descriptions
    | _DISPOSITION.visual_impaired
    | _DISPOSITION.hearing_impaired
    | _DISPOSITION.clean_effects
    | _DISPOSITION.karaoke
)
"""Tracks beside the main one: commentaries, descriptions of the pictures, music and effects without voices."""


def choose_audio(
    container: InputContainer, locked: Set[int], wanted: int | str | None
) -> tuple[tuple[AudioStream, ...], tuple[str, ...]]:
    """Return the audio streams in the order in which to try them, and warnings.

    Args:
        container: The file.
        locked: Indexes of encrypted streams, which are left out.
        wanted: `media.audio_track`: a number from 0, or a language. If the file has it, only that stream is returned.
    """
    numbered = list(enumerate(container.streams.audio))
    unknown = [str(number) for number, stream in numbered if stream.codec_context is None]
    warnings = [f"FFmpeg has no decoder for these audio tracks: {', '.join(unknown)}."] if unknown else []
    tracks = [
        _stream(number, stream)
        for number, stream in numbered
        if stream.codec_context is not None and stream.index not in locked
    ]
    # Python sorts stably: in doubt, the first track of the file.
    ordered = sorted(tracks, key=lambda track: (track.secondary, not track.default))
    if wanted is None or not tracks:
        return tuple(ordered), tuple(warnings)
    if isinstance(wanted, int):
        chosen = [track for track in tracks if track.track == wanted]
    else:
        code = language_code(wanted)
        chosen = [track for track in ordered if code and language_code(track.language) == code]
    if not chosen:
        there = ", ".join(track.name for track in tracks)
        warnings.append(
            f"media.audio_track is {wanted!r}, but the audio tracks are {there}; {ordered[0].name} was used."
        )
    return tuple(chosen[:1] or ordered), tuple(warnings)


def _stream(number: int, stream: Any) -> AudioStream:  # noqa: ANN401 - a PyAV stream
    context = stream.codec_context
    return AudioStream(
        index=stream.index,
        codec=codec_name(stream) or "",
        channels=context.channels or 0,
        sample_rate_hz=context.sample_rate or 0,
        language=language_of(stream),
        default=bool(stream.disposition & _DISPOSITION.default),
        track=number,
        title=title_of(stream),
        secondary=bool(stream.disposition & _SECONDARY),
    )
