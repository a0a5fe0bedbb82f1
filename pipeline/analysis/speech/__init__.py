"""Speech recognition: voice activity detection, Whisper (two engines) and hallucination guards."""

from pipeline.analysis.speech.recognizer import SpeechRecognizer, SpeechSession

__all__ = ["SpeechRecognizer", "SpeechSession"]
