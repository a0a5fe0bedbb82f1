"""Choose the audio track to analyse, and those to try if nobody speaks in it."""

from collections.abc import Mapping
from typing import Any

import av

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
    streams: Mapping[int, Any], wanted: int | str | None
) -> tuple[tuple[AudioStream, ...], tuple[str, ...]]:
    """Return the audio streams in the order in which to try them, and warnings.

    Args:
        streams: The audio streams that can be decoded, as PyAV has them, by their number among all audio streams.
        wanted: `media.audio_track`: a number from 0, or a language. If the file has it, only that stream is returned.
    """
    tracks = [_stream(number, stream) for number, stream in streams.items()]
    # Python sorts stably: in doubt, the first track of the file.
    ordered = sorted(tracks, key=lambda track: (track.secondary, not track.default))
    if wanted is None or not tracks:
        return tuple(ordered), ()
    if isinstance(wanted, int):
        chosen = [track for track in tracks if track.track == wanted]
    else:
        code = language_code(wanted)
        chosen = [track for track in ordered if code and language_code(track.language) == code]
    if chosen:
        return (chosen[0],), ()
    there = ", ".join(track.name for track in tracks)
    message = f"media.audio_track is {wanted!r}, but the audio tracks are {there}; {ordered[0].name} was used."
    return tuple(ordered), (message,)


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
