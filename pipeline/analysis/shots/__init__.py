"""Shots: where each one starts and ends, and which frames are candidates for keyframes."""

from pipeline.analysis.shots.detector import ShotDetector
from pipeline.analysis.shots.network import TransNet
from pipeline.analysis.shots.sampler import FrameSampler

__all__ = ["FrameSampler", "ShotDetector", "TransNet"]
