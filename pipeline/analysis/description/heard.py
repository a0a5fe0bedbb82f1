"""What is heard beside speech, in words: music, singing, applause."""

from collections import defaultdict
from collections.abc import Sequence

from pipeline.analysis.description.phrases import listed
from schemas.records import SILENCE_LABEL, Sound

_MIN_SHARE = 0.3
"""Minimum share of a video for a sound that describes it."""
_MIN_SCORE = 0.5
_MAX_SOUNDS = 2
_SPEECH, _MUSIC, _SINGING = "speech", "music", "singing"


def what_is_heard(sounds: Sequence[Sound], duration_s: float) -> str:
    """Return what a large part of a video sounds like, as in `music` or `singing and applause`.

    Singing implies music. Speech and silence are left out: the headline says what is said, or shows that nothing is.

    Args:
        sounds: Of the whole video.
        duration_s: Length of the video.

    Returns:
        Names of sounds, the longest first; empty if there are none.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    for sound in sounds:
        if sound.score >= _MIN_SCORE and sound.label not in {_SPEECH, SILENCE_LABEL}:
            seconds[sound.label] += sound.end_s - sound.start_s
    main = [name for name, each_s in seconds.items() if each_s >= _MIN_SHARE * max(duration_s, 1e-9)]
    main.sort(key=lambda name: (-seconds[name], name))
    if _SINGING in main:
        main = [name for name in main if name != _MUSIC]
    return listed(main[:_MAX_SOUNDS])
