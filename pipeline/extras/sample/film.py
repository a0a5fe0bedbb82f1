"""Make a narrated film out of scenes, and say exactly what is in it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from math import ceil
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from pipeline.extras.sample.draw import Picture, dissolve
from pipeline.extras.sample.make import Sound, write_video
from pipeline.extras.sample.speech import speak
from pipeline.extras.sample.truth import Pictured, Spoken, Truth, Written
from schemas.media import SAMPLE_RATE_HZ

Transition = Literal["cut", "slide", "dissolve"]

_DISSOLVE_S = 0.8
_LEAD_S, _PAUSE_S, _TAIL_S = 0.7, 0.45, 0.8
_AUDIBLE = 0.01


@dataclass(frozen=True, slots=True)
class Scene:
    """One shot or slide with what is said over it."""

    frames: Callable[[int], Iterable[Picture]]
    """Makes so many frames."""
    narration: tuple[str, ...] = ()
    """Sentences; the scene lasts as long as they take."""
    transition: Transition = "cut"
    """How it begins."""
    written: tuple[str, ...] = ()
    """Lines of text that can be read on it."""
    subject: str = ""
    """What it shows."""
    labels: tuple[str, ...] = ()
    """ImageNet's names for that."""
    min_s: float = 2.5
    """It lasts at least so long."""
    narrator: "Narrator | None" = None
    """Who speaks in it, where that is not the film's narrator."""


@dataclass(frozen=True, slots=True)
class Narrator:
    """Who speaks. The defaults are what Whisper base hears best of espeak-ng's voices."""

    voice: str = "en-us"
    language: str = "en"
    rate_wpm: int = 150
    name: str = ""


def still(picture: Picture) -> Callable[[int], Iterator[Picture]]:
    """Return frames that are all the same picture."""
    return lambda count: (picture for _ in range(count))


def make_film(
    path: Path,
    scenes: Sequence[Scene],
    *,
    fps: int,
    narrator: Narrator | None = None,
    background: Callable[[int], Sound] | None = None,
) -> Truth:
    """Write a film and return what is in it.

    Args:
        path: Where to; the container is what its ending says.
        scenes: What happens, in order; at least one, and the first does not dissolve.
        fps: Frames a second.
        narrator: Who speaks; none: nobody does.
        background: Makes so many samples of what sounds under the speech; with neither, the film has no sound.
    """
    counts: list[int] = []
    sound: list[Sound] = []
    spoken: list[Spoken] = []
    for scene in scenes:
        start_s = sum(counts) / fps
        voice, sentences = _narrate(scene, start_s, scene.narrator or narrator)
        counts.append(ceil(max(scene.min_s, len(voice) / SAMPLE_RATE_HZ) * fps))
        samples = round(sum(counts) / fps * SAMPLE_RATE_HZ) - sum(map(len, sound))
        sound.append(np.pad(voice, (0, samples - len(voice))))
        spoken += sentences
    heard = np.concatenate(sound)
    if background:
        heard = np.clip(heard + background(len(heard)), -1, 1).astype(np.float32)
    audible = background or narrator or any(scene.narrator for scene in scenes)
    write_video(path, _shoot(scenes, counts, fps), fps=fps, audio=heard if audible else None)
    return _truth(scenes, [frame / fps for frame in accumulate(counts, initial=0)], spoken, narrator)


def _narrate(scene: Scene, start_s: float, narrator: Narrator | None) -> tuple[Sound, list[Spoken]]:
    """Say a scene's sentences, and note when each is heard."""
    if narrator is None or not scene.narration:
        return np.zeros(0, np.float32), []
    pieces: list[Sound] = [_silence(_LEAD_S)]
    spoken: list[Spoken] = []
    for sentence in scene.narration:
        voice = speak(sentence, narrator.voice, narrator.rate_wpm)
        heard = np.flatnonzero(np.abs(voice) > _AUDIBLE)
        voice = voice[heard[0] : heard[-1] + 1]
        begin_s = start_s + sum(map(len, pieces)) / SAMPLE_RATE_HZ
        spoken.append(Spoken(sentence, begin_s, begin_s + len(voice) / SAMPLE_RATE_HZ, narrator.name))
        pieces += [voice, _silence(_PAUSE_S)]
    return np.concatenate([*pieces[:-1], _silence(_TAIL_S)]), spoken


def _silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def _shoot(scenes: Sequence[Scene], counts: Sequence[int], fps: int) -> Iterator[Picture]:
    """Yield all frames; a scene that is dissolved away goes on under the start of the next."""
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
