"""One video, from file to analysis: all steps in order, overlapped where they do not depend on each other."""

from pipeline.analysis.video.analyzer import DECODING, VideoAnalyzer
from pipeline.analysis.video.models import Models, load_models
from pipeline.analysis.video.perception import Progress

__all__ = ["DECODING", "Models", "Progress", "VideoAnalyzer", "load_models"]
