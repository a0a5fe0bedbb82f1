"""Talks with slides of several layouts, to judge headlines by: wrapped and late titles, none, headers, logos."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pipeline.extras.sample.draw import Colour, Picture, font, label, pan, read_photo
from pipeline.extras.sample.draw import View as PhotoView
from pipeline.extras.sample.narrated import Narrator, Scene, make_narrated_video, still
from pipeline.extras.sample.packages import package_file

_SIZE = (1280, 720)
_DARK, _LIGHT = (24, 28, 38), (252, 252, 250)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the slides of a talk look."""

    paper: Colour = _LIGHT
    ink: Colour = (20, 20, 20)
    header: str = ""
    """At the top of every slide."""
    footer: str = ""
    """At the bottom of every slide."""
    logo: str = ""
    """In the top right corner of every slide."""
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk, and the headline that its title slide gives; empty if it has none."""

    name: str
    title: str
    scenes: tuple[Scene, ...]
    narrator: Narrator = field(default_factory=Narrator)


def make_talks(folder: Path) -> list[tuple[Path, Talk]]:
    """Make the talks that the folder lacks, and return all with their files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for talk in (_wrapped(), _late(), _untitled(), _german()):
        path = folder / f"{talk.name}.mp4"
        if not path.exists():
            unfinished = folder / f".unfinished-{path.name}"
            make_narrated_video(unfinished, talk.scenes, fps=8, narrator=talk.narrator)
            unfinished.replace(path)
        made.append((path, talk))
    return made


def _wrapped() -> Talk:
    """A dark theme with a logo and a footer; the title runs over two lines."""
    layout = Layout(_DARK, (240, 240, 240), footer="Workshop on Digital Libraries 2026", logo="MAPLAB", centred=True)
    return Talk(
        "wrapped_title",
        "Reading Old Maps with Small Neural Networks",
        (
            _title(layout, ("Reading Old Maps with", "Small Neural Networks"), ("The Map Laboratory", "June 2026"),
                   ("Thank you for the kind introduction.", "I am going to show you how a computer reads old maps.")),
            _page(layout, "Why maps are hard", ("Names follow rivers", "Letters are far apart", "Paper has stains"),
                  ("The names on a map follow rivers and roads.", "Most programs expect straight lines of text.")),
            _page(layout, "Our network", ("Two million weights", "Trained on drawn maps"),
                  ("Our network has only two million weights.", "We trained it on maps that we drew ourselves.")),
            _page(layout, "Results", ("Nine names of ten are right", "Old prints are harder"),
                  ("Nine of ten names are read correctly.", "Prints from before seventeen hundred are harder.")),
        ),
    )  # fmt: skip


def _late() -> Talk:
    """The title slide comes after an introduction with a lower third."""
    layout = Layout((244, 240, 230), (60, 30, 20), header="Coffee Science Days")
    return Talk(
        "late_title",
        "How Roasting Changes Coffee",
        (
            Scene(_photo("coffee.png", "Annual Meeting of Roasters"),
                  ("Good afternoon, and welcome back from the break.", "Our next speaker has studied coffee for years.",
                   "She works at the institute for food research.", "Please give her a warm welcome."), min_s=20.0),
            _title(layout, ("How Roasting Changes", "Coffee"), ("Institute for Food Research",),
                   ("Thank you very much.", "Roasting changes the taste of coffee more than anything else.")),
            _page(layout, "Sugar turns brown", ("At 150 degrees", "Aroma is born"),
                  ("At a hundred and fifty degrees the sugar turns brown.", "This is where the aroma comes from.")),
            _page(layout, "Acids disappear", ("Light roasts are sour", "Dark roasts are bitter"),
                  ("A light roast keeps its fruit acids.", "In a dark roast they disappear.")),
        ),
    )  # fmt: skip


def _untitled() -> Talk:
    """No title slide: every slide has a header and a heading."""
    layout = Layout(header="City Nature Group, spring meeting", footer="Slides are free to share")
    return Talk(
        "no_title_slide",
        "",
        (
            _page(layout, "Why on roofs?", ("Flowers all around", "No pesticides"),
                  ("Bees live well on the roofs of large cities.", "They find flowers in parks and on balconies.")),
            _page(layout, "What they need", ("Water", "Shade at noon", "A calm keeper"),
                  ("A hive needs water and some shade at noon.", "It also needs a keeper who stays calm.")),
            _page(layout, "How much honey", ("Thirty kilograms a year", "More than in the country"),
                  ("One hive gives thirty kilograms of honey a year.", "A hive in the country gives less.")),
        ),
    )  # fmt: skip


def _german() -> Talk:
    """German, with a long title over two lines at the left."""
    layout = Layout((255, 255, 255), (10, 40, 90), footer="Volkshochschule, Abendkurs 12")
    return Talk(
        "deutscher_vortrag",
        "Brot und Salz: eine kurze Geschichte des Backens",
        (
            _title(layout, ("Brot und Salz: eine kurze", "Geschichte des Backens"), ("Abendkurs im Herbst",),
                   ("Guten Abend und herzlich willkommen.", "Heute geht es um die Geschichte des Brotes.")),
            _page(layout, "Der erste Ofen", ("Aus Lehm gebaut", "Vor achttausend Jahren"),
                  ("Die ersten Öfen wurden aus Lehm gebaut.", "Das war vor mehr als achttausend Jahren.")),
            _page(layout, "Vielen Dank", ("Fragen?",), ("Vielen Dank für Ihre Aufmerksamkeit.",)),
        ),
        Narrator("de", "de"),
    )  # fmt: skip


def _title(layout: Layout, title: Sequence[str], below: Sequence[str], say: tuple[str, ...]) -> Scene:
    image, draw = _slide(layout)
    x, anchor = (640, "mm") if layout.centred else (90, "lm")
    for number, line in enumerate(title):
        draw.text((x, 270 + 86 * number), line, layout.ink, font(70), anchor=anchor)
    for number, line in enumerate(below):
        draw.text((x, 480 + 50 * number), line, layout.ink, font(34), anchor=anchor)
    return Scene(still(np.asarray(image, np.uint8)), say, "cut")


def _page(layout: Layout, heading: str, lines: Sequence[str], say: tuple[str, ...]) -> Scene:
    image, draw = _slide(layout)
    draw.text((90, 130), heading, layout.ink, font(54), anchor="lm")
    for number, line in enumerate(lines):
        draw.text((120, 260 + 80 * number), f"• {line}", layout.ink, font(38), anchor="lm")
    return Scene(still(np.asarray(image, np.uint8)), say, "slide")


def _slide(layout: Layout) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", _SIZE, layout.paper)
    draw = ImageDraw.Draw(image)
    draw.text((90, 45), layout.header, layout.ink, font(34), anchor="lm")
    draw.text((90, 680), layout.footer, layout.ink, font(26), anchor="lm")
    draw.text((1230, 50), layout.logo, (200, 60, 40), font(44), anchor="rm")
    return image, draw


def _photo(name: str, caption: str) -> Callable[[int], Iterable[Picture]]:
    photo = read_photo(package_file("scikit-image", f"skimage/data/{name}"))
    views = PhotoView(0.5, 0.5, 1.0), PhotoView(0.5, 0.5, 1.3)
    return lambda count: (label(frame, caption) for frame in pan(photo, _SIZE, count, *views))
