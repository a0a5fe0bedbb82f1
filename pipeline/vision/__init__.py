"""What frames show: vectors and labels, and the text written in them."""

from pipeline.vision.captioner import Captioner
from pipeline.vision.features import FrameFeatures
from pipeline.vision.frame_encoder import FrameEncoder
from pipeline.vision.text_reader import TextReader, TextSession

__all__ = ["Captioner", "FrameEncoder", "FrameFeatures", "TextReader", "TextSession"]
