"""Speech recognition: voice activity detection, Whisper (two engines) and hallucination guards."""

from pipeline.analysis.speech.recognizer import SpeechRecognizer, SpeechSession
from pipeline.analysis.speech.voice_activity import SpeechMeter

__all__ = ["SpeechMeter", "SpeechRecognizer", "SpeechSession"]
