"""Speech: who speaks when (voice activity), what is said (Whisper, two engines), and whether to believe it (guards)."""

from pipeline.analysis.speech.recognizer import SpeechRecognizer, SpeechSession

__all__ = ["SpeechRecognizer", "SpeechSession"]
