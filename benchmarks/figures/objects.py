"""Objects: how many of those that people labelled are found, and how many of those found are right."""

from collections import Counter
from collections.abc import Iterator, Mapping

from benchmarks.figures.figure import Figure
from benchmarks.material.analysed import Video
from benchmarks.material.labelled import labelled_images
from benchmarks.measures.boxes import Found, compare
from pipeline.analysis.objects import ObjectDetector
from pipeline.analysis.vision import TextReader
from schemas.config import Config

PART = "objects"
_METHOD = (
    "an object is found if a box with the same label overlaps it by at least half (intersection over union); boxes in "
    "regions that nobody could label do not count"
)
_REFERENCE = "boxes drawn by hand on images and clips of installed packages (`benchmarks/material/boxes.toml`)"


def object_figures(config: Config, videos: Mapping[str, Video], *, threads: int) -> Iterator[Figure]:
    """Measure the object detector on labelled images, and its cost on the films; nothing without a detector."""
    if config.objects.model == "none":
        return
    detector = ObjectDetector(config.objects, device="cpu", threads=threads)
    reader = TextReader(config.ocr, threads=threads)
    found: list[Found] = []
    labelled: Counter[str] = Counter()
    images = 0
    for each in labelled_images():
        images += 1
        labelled.update(label for label, _ in each.objects)
        [objects] = detector.detect([each.image], [reader.read(each.image)])
        found += compare([(one.label, one.score, one.box) for one in objects], each.objects, each.unsure)
    right = Counter(each.label for each in found if each.right is True)
    wrong = Counter(each.label for each in found if each.right is False)
    count, hits, misses = labelled.total(), right.total(), wrong.total()
    wrongly = ", ".join(f"{label} {number}" for label, number in wrong.most_common(3))
    yield Figure(
        PART, "objects, precision", hits / max(1, hits + misses), "%",
        f"{hits + misses} found in {images} images; most often wrong: {wrongly}", _METHOD, _REFERENCE, "higher", 0.85,
    )  # fmt: skip
    yield Figure(
        PART, "objects, recall", hits / max(1, count), "%",
        f"{count} objects of {len(labelled)} classes in {images} images", _METHOD, _REFERENCE, "higher", 0.6,
    )  # fmt: skip
    people = labelled["person"]
    rest = ("all others", count - people, hits - right["person"])
    for name, number, hit in (("people", people, right["person"]), rest):
        yield Figure(
            PART, f"objects, recall, {name}", hit / max(1, number), "%", f"{number} objects", _METHOD, _REFERENCE,
            "higher",
        )  # fmt: skip
    seconds: Counter[str] = Counter()
    for video in videos.values():
        seconds.update(dict(video.row["timings_s"]))
    spent = seconds["objects"]
    frames = sum(len(video.frames) for video in videos.values())
    yield Figure(
        PART, "objects, cost", spent / max(1e-9, seconds.total() - spent), "%",
        f"{frames} keyframes of {len(videos)} videos; {spent:.1f} s",
        "compute time of object detection over all other steps", "the times in `videos.timings_s`", "lower", 0.05,
    )  # fmt: skip
