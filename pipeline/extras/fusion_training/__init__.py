"""Training the hybrid fusion on the scenes of a lake."""

from pipeline.extras.fusion_training.examples import read_examples
from pipeline.extras.fusion_training.training import TrainingSettings, train

__all__ = ["TrainingSettings", "read_examples", "train"]
