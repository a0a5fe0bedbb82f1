"""Vision: embeddings, labels and captions of frames, and their on-screen text."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipeline.analysis.vision.imagenet import imagenet_labels

if TYPE_CHECKING:
    from pipeline.analysis.vision.captioner import Captioner
    from pipeline.analysis.vision.change import featureless
    from pipeline.analysis.vision.features import FrameFeatures
    from pipeline.analysis.vision.frame_encoder import FrameEncoder
    from pipeline.analysis.vision.networks import Image, choose_precision
    from pipeline.analysis.vision.repeats import Repeats
    from pipeline.analysis.vision.text_reader import TextReader, TextSession

__all__ = [
    "Captioner",
    "FrameEncoder",
    "FrameFeatures",
    "Image",
    "Repeats",
    "TextReader",
    "TextSession",
    "choose_precision",
    "featureless",
    "imagenet_labels",
]

_HOMES = {
    "Captioner": "captioner",
    "FrameEncoder": "frame_encoder",
    "FrameFeatures": "features",
    "Image": "networks",
    "Repeats": "repeats",
    "TextReader": "text_reader",
    "TextSession": "text_reader",
    "choose_precision": "networks",
    "featureless": "change",
}
"""Names by module. A search needs the names of the classes, and does not wait until PyTorch is imported."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
