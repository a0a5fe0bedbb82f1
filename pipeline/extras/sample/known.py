"""The videos of the sample archive that are made here, so that their content is known."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np

from pipeline.extras.sample import slides
from pipeline.extras.sample.draw import CORAL, TEAL, Picture, View, label, pan, read_photo
from pipeline.extras.sample.make import Audio, write_audio
from pipeline.extras.sample.narrated import Narrator, Scene, make_narrated_video, still
from pipeline.extras.sample.packages import package_file
from pipeline.extras.sample.truth import Spoken, Truth
from schemas.media import SAMPLE_RATE_HZ

_SIZE = (640, 360)
_SPANISH = Narrator("es-419", "es", 130)

_READING = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
    "foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of light, it "
    "was the season of darkness, it was the spring of hope, it was the winter of despair, we had everything "
    "before us, we had nothing before us, we were all going direct to heaven, we were all going direct the "
    "other way. In short, the period was so far like the present period that some of its noisiest authorities "
    "insisted on its being received, for good or for evil, in the superlative degree of comparison only."
)


def ocean_talk(path: Path) -> Truth:
    """Make a talk of eight slides, most of which differ only in their words: English, 1280 x 720."""
    name = "The Blue Planet"
    opening = Scene(
        still(slides.title_slide(name, "Six things to know about the ocean")),
        ("Good morning.", "Today we talk about the oceans of the world."),
        written=(name, "Six things to know about the ocean"),
    )
    closing = Scene(
        still(slides.title_slide("Thank you", "ocean@example.org")),
        ("Thank you for listening.", "Please send us your questions."),
        "slide",
        ("Thank you", "ocean@example.org"),
    )
    pages: list[tuple[str, tuple[str, ...], slides.Art, tuple[str, ...]]] = [
        (
            "Most of the Earth is water",
            ("71 % of its surface", "Nearly all of it is salt water"),
            slides.ring(0.71),
            (
                "Oceans cover most of the surface of the Earth.",
                "We cannot drink from them: they are full of salt.",
            ),
        ),
        (
            "It carries the heat of the sun",
            ("Warm water flows to the poles", "Cold water returns in the deep"),
            slides.bars((("Equator", 27), ("Spain", 18), ("Norway", 9), ("Arctic", 2)), CORAL),
            (
                "Warm currents carry heat from the equator to the poles.",
                "Without them, Europe would be much colder.",
            ),
        ),
        (
            "It feeds billions of people",
            ("Three billion people eat fish", "Most fishing boats are small"),
            slides.fishes,
            ("Billions of people eat fish.", "Most of the fishing boats in the world are very small."),
        ),
        (
            "It is deeper than you think",
            ("Deeper than any mountain is high", "Most of it was never seen"),
            slides.depths,
            ("The deepest valley lies far below the waves.", "The highest mountain would disappear in it."),
        ),
        (
            "It makes the air that we breathe",
            ("Half of all oxygen", "Made by plants too small to see"),
            slides.bubbles,
            ("Half of the oxygen in the air comes from the sea.", "It is made by plants that are too small to see."),
        ),
        (
            "It needs our help",
            ("Use less plastic", "Keep the beaches clean"),
            slides.bars((("1960", 1), ("1990", 5), ("2020", 12)), TEAL),
            ("Every year more plastic ends up in the sea.", "We must protect it, because all life depends on it."),
        ),
    ]
    scenes = [opening]
    for number, (heading, lines, art, narration) in enumerate(pages, start=2):
        picture = slides.content_slide(heading, lines, art, footer=name, page=f"{number} / {len(pages) + 2}")
        scenes.append(Scene(still(picture), narration, "slide", (heading, *lines)))
    return make_narrated_video(path, [*scenes, closing], fps=12, narrator=Narrator())


def photo_report(path: Path) -> Truth:
    """Make a report of six photographs with pans, hard cuts and one dissolve: English, 640 x 360."""
    scenes = [
        Scene(
            _glide("coffee.png", View(0.45, 0.4, 1.15), View(0.6, 0.6, 1.6), "Six o'clock"),
            ("The morning begins with a cup of hot coffee.", "A small spoon lies next to the cup."),
            written=("Six o'clock",),
            subject="a cup of coffee",
            labels=("espresso", "cup", "coffee mug", "espresso maker"),
        ),
        Scene(
            _glide("chelsea.png", View(0.5, 0.5, 1.0), View(0.45, 0.4, 1.35)),
            ("The cat is awake too.", "She looks out of the window and waits for the birds."),
            subject="a cat",
            labels=("Egyptian cat", "tabby", "tiger cat"),
        ),
        Scene(
            _glide("motorcycle_left.png", View(0.35, 0.6, 1.4), View(0.6, 0.6, 1.05), "In the garage"),
            ("In the garage there is a red motorcycle.", "It needs a new engine before the summer."),
            written=("In the garage",),
            subject="a motorcycle",
            labels=("moped", "motor scooter", "crash helmet", "disk brake"),
        ),
        Scene(
            _glide("rocket.jpg", View(0.5, 0.75, 1.7), View(0.5, 0.45, 1.0), "At the coast"),
            ("Far away, at the coast, a rocket stands ready.", "The engineers are counting the last minutes."),
            written=("At the coast",),
            subject="a rocket before its start",
            labels=("missile", "projectile", "space shuttle", "crane"),
        ),
        Scene(
            _glide("astronaut.png", View(0.45, 0.25, 1.0), View(0.42, 0.2, 1.5)),
            ("This woman is an astronaut.", "She knows what the Earth looks like from space."),
            subject="an astronaut in an orange suit",
        ),
        Scene(
            _glide("hubble_deep_field.jpg", View(0.3, 0.4, 2.4), View(0.65, 0.6, 1.2)),
            ("And at night the telescope sees thousands of galaxies.", "Each of them has billions of stars."),
            "dissolve",
            subject="galaxies",
        ),
    ]
    return make_narrated_video(path, scenes, fps=25, narrator=Narrator())


def spanish_morning(path: Path) -> Truth:
    """Make a short video of three shots and two hard cuts: Spanish, 640 x 360."""
    scenes = [
        Scene(
            still(_scaled(slides.title_slide("Una casa tranquila", "Hablamos del desayuno"))),
            ("Buenos días.", "Hoy hablamos de una mañana tranquila en casa."),
            written=("Una casa tranquila", "Hablamos del desayuno"),
        ),
        Scene(
            _glide("coffee.png", View(0.55, 0.55, 1.7), View(0.5, 0.45, 1.1)),
            ("En la mesa hay un café muy caliente.", "El café es muy bueno."),
            subject="una taza de café",
            labels=("espresso", "cup", "coffee mug"),
        ),
        Scene(
            _glide("chelsea.png", View(0.4, 0.45, 1.4), View(0.5, 0.5, 1.0)),
            ("El gato es muy grande.", "Los niños juegan con el gato todas las tardes."),
            subject="un gato",
            labels=("Egyptian cat", "tabby", "tiger cat"),
        ),
    ]
    return make_narrated_video(path, scenes, fps=25, narrator=_SPANISH)


def book_reading(path: Path) -> Truth:
    """Write an audio file: a real recording of a person reading from a novel of 1859."""
    with av.open(str(package_file("moonshine-voice", "moonshine_voice/assets/two_cities.wav"))) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        pieces = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    audio: Audio = np.concatenate(pieces).astype(np.float32)
    write_audio(path, audio, codec="flac", metadata={"title": "A Tale of Two Cities"})
    heard = np.flatnonzero(np.abs(audio) > 0.02) / SAMPLE_RATE_HZ
    spoken = (Spoken(_READING, float(heard[0]), float(heard[-1])),)
    return Truth(len(audio) / SAMPLE_RATE_HZ, "en", (), (), (), spoken, (), ())


KNOWN: dict[str, Callable[[Path], Truth]] = {
    "ocean_talk.mp4": ocean_talk,
    "photo_report.mp4": photo_report,
    "una_manana.mp4": spanish_morning,
    "book_reading.flac": book_reading,
}
"""The function that makes each file."""


def _glide(photo: str, start: View, end: View, caption: str = "") -> Callable[[int], Iterator[Picture]]:
    picture = read_photo(package_file("scikit-image", f"skimage/data/{photo}"))
    return partial(_glided, picture, start, end, caption)


def _glided(picture: Picture, start: View, end: View, caption: str, frames: int) -> Iterator[Picture]:
    for frame in pan(picture, _SIZE, frames, start, end):
        yield label(frame, caption) if caption else frame


def _scaled(picture: Picture) -> Picture:
    """Scale a slide to the size of the photographs, half its own."""
    pairs = picture.reshape(_SIZE[1], 2, _SIZE[0], 2, 3).mean((1, 3))
    scaled: Picture = np.rint(pairs).astype(np.uint8)
    return scaled
