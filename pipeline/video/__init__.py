"""One video, from file to analysis: the steps in their order, overlapped where they do not wait for each other."""

from pipeline.video.analyzer import Progress, VideoAnalyzer

__all__ = ["Progress", "VideoAnalyzer"]
