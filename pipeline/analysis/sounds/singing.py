"""Which utterances are sung: lyrics that were recognised while somebody sings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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
    sung = _Spans([sound for sound in sounds if sound.label == "singing"])
    if not len(sung.starts_s):
        return transcript
    spoken = _Spans([sound for sound in sounds if sound.label == "speech"])
    utterances = tuple(
        replace(each, sung=_is_sung(each.start_s, each.end_s, sung, spoken)) for each in transcript.utterances
    )
    return replace(transcript, utterances=utterances)


class _Spans:
    """Spans of one sound, in order of time. Hours of audio have thousands, so they are compared as arrays."""

    def __init__(self, sounds: Sequence[Sound]) -> None:
        self.starts_s = np.array([each.start_s for each in sounds])
        self.ends_s = np.array([each.end_s for each in sounds])
        self.scores = np.array([each.score for each in sounds])

    def overlaps_s(self, start_s: float, end_s: float) -> NDArray[np.float64]:
        """Return how many seconds of a time range each span covers."""
        covered = np.minimum(self.ends_s, end_s) - np.maximum(self.starts_s, start_s)
        return np.asarray(np.maximum(covered, 0.0))


def _is_sung(start_s: float, end_s: float, sung: _Spans, spoken: _Spans) -> bool:
    sung_s = sung.overlaps_s(start_s, end_s)
    if sung_s.sum() < _MIN_SHARE * (end_s - start_s):
        return False
    return bool(sung_s @ sung.scores > spoken.overlaps_s(start_s, end_s) @ spoken.scores)
