"""Sounds: speech, music, singing and silence, by the second."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.figures.figure import Figure
from benchmarks.material.soundtrack import RATE, Part, soundtrack
from pipeline.analysis.sounds import SoundClassifier
from schemas.config import SOUND_MODEL, SoundsConfig
from schemas.media import AudioBlock
from schemas.records import Sound

PART = "sounds"
_DIFFICULT = frozenset({"speech, quiet", "singing alone"})
"""Groups in a figure of their own: speech at -46 dB with hiss 14 dB below it, and a voice that sings alone."""
_METHOD = (
    "share of seconds for which exactly the right ones of speech, music, singing and silence are found, none for "
    "noise; a sound counts in a second that it fills by half"
)
_REFERENCE = (
    "a soundtrack of real voices, real songs and music, synthetic chords, made noise and silence, in one piece; where "
    "clean recordings of voices are loud, somebody speaks"
)


def sound_figures(media: Path | None, threads: int) -> Iterator[Figure]:
    """Measure sound classes."""
    parts = soundtrack(media)
    config = SoundsConfig(model=SOUND_MODEL)
    sounds = listen(SoundClassifier(config, device="cpu", threads=threads), parts)
    right: dict[str, list[bool]] = defaultdict(list)
    found = labels_by_second(sounds, sum(len(part.seconds) for part in parts))
    at = 0
    for part in parts:
        for second in part.seconds:
            right[part.group].append(found[at] == second)
            at += 1
    for name, difficult, goal in (
        ("sounds by the second", False, 0.95),
        ("difficult sounds by the second", True, None),
    ):
        hits = [hit for group, each in right.items() if (group in _DIFFICULT) == difficult for hit in each]
        yield _figure(name, hits, goal)
    for group, hits in right.items():
        yield _figure(f"sounds by the second, {group}", hits, None)


def listen(classifier: SoundClassifier, parts: Sequence[Part]) -> tuple[Sound, ...]:
    """Return the sounds of a soundtrack."""
    audio = np.concatenate([part.audio for part in parts])
    session = classifier.session()
    for start in range(0, len(audio), RATE):
        session.add(AudioBlock(start / RATE, audio[start : start + RATE]))
    return session.finish()


def labels_by_second(sounds: Sequence[Sound], seconds: int) -> list[frozenset[str]]:
    """Return which sounds fill at least half of each second."""
    labels: list[set[str]] = [set() for _ in range(seconds)]
    for sound in sounds:
        for second in range(int(sound.start_s), min(seconds, int(np.ceil(sound.end_s)))):
            if min(sound.end_s, second + 1) - max(sound.start_s, second) >= 0.5 - 1e-6:
                labels[second].add(sound.label)
    return [frozenset(each) for each in labels]


def _figure(name: str, right: Sequence[bool], goal: float | None) -> Figure:
    cases = f"{len(right)} seconds"
    return Figure(PART, name, sum(right) / len(right), "%", cases, _METHOD, _REFERENCE, "higher", goal)
