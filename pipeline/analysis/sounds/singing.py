"""Which utterances are sung: lyrics that were recognised while somebody sings."""

from collections.abc import Sequence
from dataclasses import replace

from schemas.records import Sound, Transcript

_MIN_SHARE = 0.5
"""Share of an utterance during which somebody sings."""


def marked_as_sung(transcript: Transcript, sounds: Sequence[Sound]) -> Transcript:
    """Return a transcript whose sung utterances say so.

    An utterance is sung if singing is heard during at least half of it, and longer or more clearly than speech.

    Args:
        transcript: The transcript, with utterances in order of time.
        sounds: The sounds of the same audio.
    """
    sung = [sound for sound in sounds if sound.label == "singing"]
    if not sung:
        return transcript
    spoken = [sound for sound in sounds if sound.label == "speech"]
    utterances = tuple(
        replace(each, sung=_is_sung(each.start_s, each.end_s, sung, spoken)) for each in transcript.utterances
    )
    return replace(transcript, utterances=utterances)


def _is_sung(start_s: float, end_s: float, sung: Sequence[Sound], spoken: Sequence[Sound]) -> bool:
    if _overlap_s(start_s, end_s, sung) < _MIN_SHARE * (end_s - start_s):
        return False
    return _weight(start_s, end_s, sung) > _weight(start_s, end_s, spoken)


def _overlap_s(start_s: float, end_s: float, sounds: Sequence[Sound]) -> float:
    return sum(max(0.0, min(end_s, each.end_s) - max(start_s, each.start_s)) for each in sounds)


def _weight(start_s: float, end_s: float, sounds: Sequence[Sound]) -> float:
    """Return the seconds of a time range with a sound, each weighted by its score."""
    return sum(max(0.0, min(end_s, each.end_s) - max(start_s, each.start_s)) * each.score for each in sounds)
