"""Recordings with known transcripts, from installed packages and from a folder of real media."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.extras.sample.known import book_reading
from pipeline.extras.sample.packages import package_file

_BECKETT = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
_NASA = (
    "This is the optical and science segment of the Webb Space Telescope in one of the largest clean rooms in the "
    "world at NASA's Goddard Space Flight Center in Greenbelt, Maryland."
)
_KENNEDY = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."


@dataclass(frozen=True, slots=True)
class Recording:
    """A real recording, with or without speech."""

    path: Path
    language: str
    """ISO 639-1; empty if there is no speech."""
    text: str = ""


_MEDIA = (
    ("nasa_13013.mp4", "en", _NASA),
    ("jfk.flac", "en", _KENNEDY),
    ("librivox/ss-0880.wav", "en", "he was not an ill disposed young man"),
    ("librivox/ss-0890.wav", "en", "unless to be rather cold hearted and rather selfish is to be ill disposed"),
    ("librivox/ss-0930.wav", "en", "he might even have been made amiable himself"),
    ("french.aiff", "fr", "et c'est la dictée numéro 1"),
    ("bbb_0_30.webm", "", ""), ("chaplin.mp4", "", ""), ("failing_audio.mp4", "", ""), ("smpte-2997.mp4", "", ""),
)  # fmt: skip


def recordings(folder: Path, media: Path | None) -> list[Recording]:
    """Return the available recordings.

    Args:
        folder: For recordings from packages.
        media: Folder of real media, may be incomplete; None: only recordings from packages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reading = folder / "book_reading.flac"
    truth = book_reading(reading)
    found = [
        Recording(reading, "en", truth.transcript),
        Recording(package_file("moonshine-voice", "moonshine_voice/assets/beckett.wav"), "en", _BECKETT),
    ]
    for name, language, text in _MEDIA:
        if media and (media / name).is_file():
            found.append(Recording(media / name, language, text))
    return found
