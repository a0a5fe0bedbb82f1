"""Speakers: whose voice is heard when, by speaker embeddings and clustering."""

from pipeline.speakers.choice import chosen_speaker_model, settled
from pipeline.speakers.encoder import SpeakerEncoder
from pipeline.speakers.session import VoiceSession

__all__ = ["SpeakerEncoder", "VoiceSession", "chosen_speaker_model", "settled"]
