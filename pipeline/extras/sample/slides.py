"""Slides of a talk: a title, some lines, a drawing. They are drawn at twice the size for smooth edges."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from pipeline.extras.sample.draw import CORAL, FOAM, GREY, INK, PAPER, SAND, SEA, TEAL, Colour, Picture, font, gradient

WIDTH, HEIGHT = 1280, 720
_SCALE = 2

Art = Callable[["Canvas"], None]
"""Draws into a square of 420 pixels around (980, 380)."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A drawing surface in pixels of the finished slide."""

    draw: ImageDraw.ImageDraw

    def text(
        self, at: tuple[float, float], text: str, size: int, colour: Colour, *, bold: bool = False, anchor: str = "ls"
    ) -> None:
        """Write a line; bold letters are spaced out, because thicker strokes reduce the space between them."""
        face, stroke = font(size * _SCALE), round(size * _SCALE / 36) if bold else 0
        spread = stroke * 1.2
        x, y = at[0] * _SCALE, at[1] * _SCALE
        x -= {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * (face.getlength(text) + spread * (len(text) - 1))
        for index, letter in enumerate(text if bold else [text]):
            place = (x + face.getlength(text[:index]) + spread * index, y)
            self.draw.text(place, letter, colour, face, anchor="l" + anchor[1], stroke_width=stroke)

    def box(self, edges: tuple[float, float, float, float], colour: Colour, radius: float = 0) -> None:
        """Fill a rectangle with these left, top, right and bottom edges, with rounded corners if `radius` is set."""
        left, top, right, bottom = (edge * _SCALE for edge in edges)
        self.draw.rounded_rectangle((left, top, right, bottom), radius * _SCALE, colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        self.draw.ellipse(_around(x, y, radius), colour)

    def slice(self, x: float, y: float, radius: float, degrees: tuple[float, float], colour: Colour) -> None:
        """Fill a pie slice; degrees are clockwise from the top."""
        self.draw.pieslice(_around(x, y, radius), degrees[0] - 90, degrees[1] - 90, colour)

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon."""
        self.draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], colour)


def title_slide(title: str, subtitle: str) -> Picture:
    """Draw an opening or closing slide: a large title over waves."""
    sky = gradient(WIDTH * _SCALE, HEIGHT * _SCALE, SEA, (26, 110, 128))
    image, canvas = _canvas(sky)
    for level, colour in enumerate(((30, 128, 140), (56, 156, 160), (110, 190, 186))):
        x = np.linspace(0, WIDTH, 200)
        y = 560 + 45 * level + 22 * np.sin(x / (150 - 20 * level) + 2 * level)
        canvas.shape([*zip(x.tolist(), y.tolist(), strict=True), (WIDTH, HEIGHT), (0, HEIGHT)], colour)
    canvas.box((110, 196, 190, 204), CORAL)
    canvas.text((106, 310), title, 84, (255, 255, 255), bold=True)
    canvas.text((110, 385), subtitle, 38, FOAM)
    return _finished(image)


def content_slide(heading: str, lines: tuple[str, ...], art: Art, *, footer: str, page: str) -> Picture:
    """Draw a slide with a heading, a few lines and a drawing on the right."""
    image, canvas = _canvas(np.full((HEIGHT * _SCALE, WIDTH * _SCALE, 3), PAPER, np.uint8))
    canvas.box((0, 0, 18, HEIGHT), TEAL)
    canvas.text((90, 142), heading, 56, INK, bold=True)
    canvas.box((92, 172, 172, 179), CORAL)
    for index, line in enumerate(lines):
        y = 290 + 84 * index
        canvas.disc(102, y - 12, 8, CORAL)
        canvas.text((134, y), line, 36, INK)
    art(canvas)
    canvas.text((90, 672), footer, 20, GREY)
    canvas.text((1210, 672), page, 20, GREY, anchor="rs")
    return _finished(image)


def ring(share: float) -> Art:
    """Return a ring chart of a share, with the number in the middle."""

    def draw(canvas: Canvas) -> None:
        canvas.disc(980, 390, 180, (214, 226, 226))
        canvas.slice(980, 390, 180, (0, 360 * share), TEAL)
        canvas.disc(980, 390, 118, PAPER)
        canvas.text((980, 390), f"{share:.0%}", 76, INK, bold=True, anchor="mm")

    return draw


def bars(values: tuple[tuple[str, float], ...], colour: Colour) -> Art:
    """Return a bar chart with the values above the bars."""

    def draw(canvas: Canvas) -> None:
        top, width = max(value for _, value in values), 400 / len(values)
        for index, (name, value) in enumerate(values):
            left, height = 790 + index * width, 260 * value / top
            canvas.box((left + 12, 550 - height, left + width - 12, 550), colour, 6)
            canvas.text((left + width / 2, 536 - height), f"{value:g}", 30, INK, bold=True, anchor="ms")
            canvas.text((left + width / 2, 590), name, 24, GREY, anchor="ms")
        canvas.box((790, 550, 1190, 553), INK)

    return draw


def fishes(canvas: Canvas) -> None:
    """Draw a school of fish."""
    for index, (x, y) in enumerate(((900, 280), (1080, 330), (930, 420), (1110, 480), (900, 550))):
        colour = (TEAL, CORAL, SAND, TEAL, CORAL)[index]
        angle = np.linspace(0, 2 * np.pi, 60)
        body = zip((x + 62 * np.cos(angle)).tolist(), (y + 27 * np.sin(angle)).tolist(), strict=True)
        canvas.shape([(x - 50, y), (x - 98, y - 32), (x - 98, y + 32)], colour)
        canvas.shape(list(body), colour)
        canvas.disc(x + 36, y - 6, 5, PAPER)


def depths(canvas: Canvas) -> None:
    """Draw a cross-section of the sea with a deep valley."""
    for index, colour in enumerate(((120, 200, 205), (58, 150, 165), (24, 98, 124), (12, 58, 84))):
        canvas.box((790, 230 + 95 * index, 1190, 230 + 95 * (index + 1)), colour)
    floor = [(790, 420), (860, 400), (920, 470), (980, 585), (1010, 590), (1060, 480), (1120, 430), (1190, 445)]
    canvas.shape([*floor, (1190, 620), (790, 620)], (92, 76, 64))
    canvas.box((790, 600, 1190, 625), (92, 76, 64))
    canvas.text((1000, 275), "0 km", 26, INK, bold=True, anchor="ms")
    canvas.text((990, 512), "11 km", 26, (255, 255, 255), bold=True, anchor="ms")


def bubbles(canvas: Canvas) -> None:
    """Draw bubbles of oxygen rising from small plants."""
    rng = np.random.default_rng(4)
    for _ in range(46):
        x, y, radius = rng.uniform(800, 1180), rng.uniform(230, 520), rng.uniform(6, 26)
        canvas.disc(x, y, radius, TEAL)
        canvas.disc(x, y, radius * 0.82, (206, 232, 230))
    for x in range(800, 1190, 26):
        sway = float(rng.uniform(-14, 14))
        canvas.shape([(x, 600), (x + 14, 600), (x + 7 + sway, 600 - float(rng.uniform(50, 120)))], (92, 158, 92))


def _around(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return ((x - radius) * _SCALE, (y - radius) * _SCALE, (x + radius) * _SCALE, (y + radius) * _SCALE)


def _canvas(ground: Picture) -> tuple[Image.Image, Canvas]:
    image = Image.fromarray(ground)
    return image, Canvas(ImageDraw.Draw(image))


def _finished(image: Image.Image) -> Picture:
    return np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BOX))
