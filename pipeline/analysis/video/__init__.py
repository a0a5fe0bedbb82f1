"""One video, from file to analysis: all steps in order, overlapped where they do not depend on each other."""

from pipeline.analysis.video.analyzer import Progress, VideoAnalyzer
from pipeline.analysis.video.models import load_models

__all__ = ["Progress", "VideoAnalyzer", "load_models"]
