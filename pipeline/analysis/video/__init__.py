"""One video, from file to analysis: all steps in order, overlapped where they do not depend on each other."""

from pipeline.analysis.video.analyzer import DECODING, VideoAnalyzer
from pipeline.analysis.video.models import load_models
from pipeline.analysis.video.perception import Progress

__all__ = ["DECODING", "Progress", "VideoAnalyzer", "load_models"]
