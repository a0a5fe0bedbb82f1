"""One video, from file to analysis: the steps in their order, overlapped where they do not wait for each other."""

from pipeline.analysis.video.analyzer import Progress, VideoAnalyzer
from pipeline.analysis.video.models import load_models

__all__ = ["Progress", "VideoAnalyzer", "load_models"]
