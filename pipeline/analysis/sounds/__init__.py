"""Sound classes: when there is speech, music, singing or silence, or whatever a model of the Hub knows."""

from pipeline.analysis.sounds.classifier import SoundClassifier
from pipeline.analysis.sounds.session import SoundSession
from pipeline.analysis.sounds.singing import marked_as_sung

__all__ = ["SoundClassifier", "SoundSession", "marked_as_sung"]
