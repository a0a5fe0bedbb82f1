"""A tiny real lake: a film that we made and know, a silent one, and a broken file, analysed by the real models."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.extras.sample.draw import read_photo
from pipeline.extras.sample.narrated import Narrator, Scene, make_narrated_video, still
from pipeline.extras.sample.packages import package_file
from pipeline.extras.sample.truth import Truth
from pipeline.lake import Lake
from pipeline.run.discovery import discover
from schemas.config import ArchiveConfig, Config
from tests import material
from workers import InlinePool, RunJob

_REVISION = "e" * 16
_SIZE = (320, 180)


@dataclass(frozen=True)
class KnownLake:
    """What is in the lake. Tests read it and leave it as it is."""

    lake: Lake
    archive: Path
    film: Path
    """`The cat's "film" <1>.mp4`: about 8 s, three shots, two English sentences, 25 frames/s, with sound."""
    truth: Truth
    """What is in the film."""
    silent: Path
    """`silent.mp4`: 2 s, two shots, no sound."""


def make_known_lake(folder: Path) -> KnownLake:
    """Make the files and the lake; takes some ten seconds."""
    archive = folder / "archive"
    archive.mkdir()
    film = archive / 'The cat\'s "film" <1>.mp4'
    truth = make_narrated_video(film, _SCENES, fps=25, narrator=Narrator())
    silent = material.shots_video(archive / "silent.mp4", (1.0, 1.0), size=(160, 90))
    material.text_named_mp4(archive / "broken.mp4")
    lake = Lake.create(str(folder / "lake"))
    tasks = discover([str(archive)], lake, ArchiveConfig()).tasks
    list(InlinePool(RunJob(_REVISION, lake.uri, Config())).submit("5a", tasks).outcomes())
    lake.commit("5a", _REVISION)
    return KnownLake(lake, archive, film, truth, silent)


def _photo(name: str) -> np.ndarray:
    picture = read_photo(package_file("scikit-image", f"skimage/data/{name}"))
    rows = np.linspace(0, picture.shape[0] - 1, _SIZE[1]).astype(int)
    columns = np.linspace(0, picture.shape[1] - 1, _SIZE[0]).astype(int)
    return np.ascontiguousarray(picture[rows][:, columns])


_SCENES = (
    Scene(still(_photo("coffee.png")), ("The morning begins with a cup of hot coffee.",), subject="a cup of coffee"),
    Scene(still(_photo("chelsea.png")), ("The cat looks out of the window and waits.",), subject="a cat"),
    Scene(still(_photo("rocket.jpg")), (), subject="a rocket", min_s=1.5),
)
