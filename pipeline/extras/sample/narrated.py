"""Make a narrated video from scenes, with a record of its exact content."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from math import ceil
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from pipeline.extras.sample.draw import Picture, dissolve
from pipeline.extras.sample.make import Audio, write_video
from pipeline.extras.sample.speech import speak
from pipeline.extras.sample.truth import Pictured, Spoken, Truth, Written
from schemas.media import SAMPLE_RATE_HZ

Transition = Literal["cut", "slide", "dissolve"]

_DISSOLVE_S = 0.8
_LEAD_S, _PAUSE_S, _TAIL_S = 0.7, 0.45, 0.8
_AUDIBLE = 0.01


@dataclass(frozen=True, slots=True)
class Scene:
    """A shot or slide with its narration."""

    frames: Callable[[int], Iterable[Picture]]
    """Makes the given number of frames."""
    narration: tuple[str, ...] = ()
    """Sentences; they determine the length of the scene."""
    transition: Transition = "cut"
    """How the scene begins."""
    written: tuple[str, ...] = ()
    """Readable lines of text on it."""
    subject: str = ""
    """What it shows."""
    labels: tuple[str, ...] = ()
    """ImageNet's names for the subject."""
    min_s: float = 2.5
    """Minimum length."""
    narrator: "Narrator | None" = None
    """Narrator of this scene, if other than the narrator of the video."""


@dataclass(frozen=True, slots=True)
class Narrator:
    """A voice. The default is the espeak-ng voice that Whisper base recognises best."""

    voice: str = "en-us"
    language: str = "en"
    rate_wpm: int = 150
    name: str = ""


def still(picture: Picture) -> Callable[[int], Iterator[Picture]]:
    """Return a function that repeats a picture."""
    return lambda count: (picture for _ in range(count))


def make_narrated_video(
    path: Path,
    scenes: Sequence[Scene],
    *,
    fps: int,
    narrator: Narrator | None = None,
    background: Callable[[int], Audio] | None = None,
) -> Truth:
    """Write a video and return its content.

    Args:
        path: The extension determines the container.
        scenes: At least one, in order; the first must not begin with a dissolve.
        fps: Frames per second.
        narrator: None: no narration.
        background: Makes the given number of samples of background audio. Without narration and background, the video
            has no audio.
    """
    counts: list[int] = []
    audio: list[Audio] = []
    spoken: list[Spoken] = []
    for scene in scenes:
        start_s = sum(counts) / fps
        voice, sentences = _narrate(scene, start_s, scene.narrator or narrator)
        counts.append(ceil(max(scene.min_s, len(voice) / SAMPLE_RATE_HZ) * fps))
        samples = round(sum(counts) / fps * SAMPLE_RATE_HZ) - sum(map(len, audio))
        audio.append(np.pad(voice, (0, samples - len(voice))))
        spoken += sentences
    heard = np.concatenate(audio)
    if background:
        heard = np.clip(heard + background(len(heard)), -1, 1).astype(np.float32)
    audible = background or narrator or any(scene.narrator for scene in scenes)
    write_video(path, _shoot(scenes, counts, fps), fps=fps, audio=heard if audible else None)
    return _truth(scenes, [frame / fps for frame in accumulate(counts, initial=0)], spoken, narrator)


def _narrate(scene: Scene, start_s: float, narrator: Narrator | None) -> tuple[Audio, list[Spoken]]:
    """Return the speech of a scene, and the times of its sentences."""
    if narrator is None or not scene.narration:
        return np.zeros(0, np.float32), []
    pieces: list[Audio] = [_silence(_LEAD_S)]
    spoken: list[Spoken] = []
    for sentence in scene.narration:
        voice = speak(sentence, narrator.voice, narrator.rate_wpm)
        heard = np.flatnonzero(np.abs(voice) > _AUDIBLE)
        voice = voice[heard[0] : heard[-1] + 1]
        begin_s = start_s + sum(map(len, pieces)) / SAMPLE_RATE_HZ
        spoken.append(Spoken(sentence, begin_s, begin_s + len(voice) / SAMPLE_RATE_HZ, narrator.name))
        pieces += [voice, _silence(_PAUSE_S)]
    return np.concatenate([*pieces[:-1], _silence(_TAIL_S)]), spoken


def _silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def _shoot(scenes: Sequence[Scene], counts: Sequence[int], fps: int) -> Iterator[Picture]:
    """Yield all frames. Before a dissolve, a scene continues under the start of the next one."""
    passage = round(_DISSOLVE_S * fps)
    before: list[Picture] = []
    for index, (scene, count) in enumerate(zip(scenes, counts, strict=True)):
        dissolved_away = index + 1 < len(scenes) and scenes[index + 1].transition == "dissolve"
        frames = iter(scene.frames(count + passage * dissolved_away))
        if before:
            yield from dissolve(before, list(islice(frames, passage)))
        yield from islice(frames, count - len(before))
        before = list(frames)


def _truth(scenes: Sequence[Scene], edges: Sequence[float], spoken: list[Spoken], narrator: Narrator | None) -> Truth:
    spans = list(zip(scenes, pairwise(edges), strict=True))
    begin = {
        kind: [start for scene, (start, _) in spans[1:] if scene.transition == kind] for kind in get_args(Transition)
    }
    return Truth(
        duration_s=edges[-1],
        language=narrator.language if narrator and spoken else None,
        cuts_s=tuple(begin["cut"]),
        slides_s=tuple(begin["slide"]),
        dissolves_s=tuple((start, round(start + _DISSOLVE_S, 6)) for start in begin["dissolve"]),
        spoken=tuple(spoken),
        written=tuple(Written(line, *span) for scene, span in spans for line in scene.written),
        pictured=tuple(Pictured(scene.subject, scene.labels, *span) for scene, span in spans if scene.subject),
        scenes_s=tuple(span for _, span in spans),
    )
