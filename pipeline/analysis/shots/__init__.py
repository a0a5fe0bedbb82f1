"""Shots: where one ends and the next begins, and which frames are worth a closer look."""

from pipeline.analysis.shots.detector import ShotDetector
from pipeline.analysis.shots.network import TransNet
from pipeline.analysis.shots.sampler import FrameSampler

__all__ = ["FrameSampler", "ShotDetector", "TransNet"]
