"""Objects: what is in a keyframe, and where."""

from pipeline.analysis.objects.detector import ObjectDetector

__all__ = ["ObjectDetector"]
