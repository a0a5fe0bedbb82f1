"""Images and frames of installed packages, with the objects that people see in them (`boxes.toml`)."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.extras.sample.packages import package_file

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of width and height."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """An image, and what is in it."""

    name: str
    image: NDArray[np.uint8]
    """(height, width, 3) RGB."""
    objects: tuple[tuple[str, Box], ...]
    unsure: tuple[Box, ...]
    """Regions in which found objects do not count."""


def labelled_images() -> Iterator[LabelledImage]:
    """Yield all labelled images, those of a file together."""
    rows = tomllib.loads(Path(__file__).with_name("boxes.toml").read_text("utf-8"))["image"]
    by_file = defaultdict(list)
    for row in rows:
        by_file[row["package"], row["file"]].append(row)
    for (package, file), group in by_file.items():
        times_s = [row["time_s"] for row in group if "time_s" in row]
        path = package_file(package, file)
        images = _frames(path, times_s) if times_s else [_photo(path)]
        for row, image in zip(group, images, strict=True):
            objects = tuple((label, _box(box)) for label, *box in row["objects"])
            unsure = tuple(_box(box) for box in row.get("unsure", ()))
            yield LabelledImage(f"{file} {row.get('time_s', '')}".strip(), image, objects, unsure)


def _box(percent: list[float]) -> Box:
    x0, y0, x1, y1 = (each / 100 for each in percent)
    return x0, y0, x1, y1


def _photo(path: Path) -> NDArray[np.uint8]:
    return cv2.cvtColor(np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)


def _frames(path: Path, times_s: list[float]) -> list[NDArray[np.uint8]]:
    """Return the first frame at or after each time; the times ascend."""
    found: list[NDArray[np.uint8]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if len(found) < len(times_s) and frame.time >= times_s[len(found)] - 1e-6:
                found.append(frame.to_ndarray(format="rgb24"))
    return found
