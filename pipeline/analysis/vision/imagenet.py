"""The classes of ImageNet-1k, by name."""

from functools import cache
from importlib.resources import files


@cache
def imagenet_labels() -> tuple[str, ...]:
    """Return the 1000 ImageNet-1k class names in plain English, by class index."""
    text = files("pipeline.analysis.vision").joinpath("imagenet_labels.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
