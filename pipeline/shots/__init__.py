"""Shots: where one ends and the next begins, and which frames are worth a closer look."""

from pipeline.shots.detector import ShotDetector
from pipeline.shots.network import TransNet
from pipeline.shots.sampler import FrameSampler

__all__ = ["FrameSampler", "ShotDetector", "TransNet"]
