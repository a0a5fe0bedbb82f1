"""Speaker diarization: who speaks when, by speaker embeddings and clustering."""

from pipeline.analysis.speakers.encoder import SpeakerEncoder
from pipeline.analysis.speakers.session import VoiceSession

__all__ = ["SpeakerEncoder", "VoiceSession"]
