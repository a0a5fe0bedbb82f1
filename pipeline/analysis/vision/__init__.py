"""Vision: embeddings, labels and captions of frames, and their on-screen text."""

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
]
