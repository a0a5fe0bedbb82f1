"""Vision: embeddings, labels and captions of frames, and their on-screen text."""

from typing import TYPE_CHECKING

from pipeline.analysis.vision.imagenet import imagenet_labels
from schemas.lazy_names import lazy_names

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

# A search needs the names of the classes, and does not wait until PyTorch is imported.
__getattr__ = lazy_names(
    __name__,
    {
        "captioner": ("Captioner",),
        "change": ("featureless",),
        "features": ("FrameFeatures",),
        "frame_encoder": ("FrameEncoder",),
        "networks": ("Image", "choose_precision"),
        "repeats": ("Repeats",),
        "text_reader": ("TextReader", "TextSession"),
    },
)
