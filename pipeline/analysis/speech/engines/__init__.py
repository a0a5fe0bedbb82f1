"""ASR engines: the interface that one implements, the engines there are, and `load_engine`, which chooses one.

To add an engine: write a class with the members of `WhisperEngine` in a file of its own, choose it in `loading.py`, and
add its name to `SpeechConfig.engine` in `schemas/config.py`.
"""

from pipeline.analysis.speech.engines.batched import BatchedEngine
from pipeline.analysis.speech.engines.interface import (
    ENDING_FRAMES,
    FRAME_SAMPLES,
    MAX_TOKENS,
    WINDOW_FRAMES,
    Alignment,
    Decoded,
    Encoded,
    Span,
    Task,
    Tokenizer,
    WhisperEngine,
    language_codes,
    log_mel,
    tokenizer_for,
)
from pipeline.analysis.speech.engines.loading import load_engine

__all__ = [
    "ENDING_FRAMES",
    "FRAME_SAMPLES",
    "MAX_TOKENS",
    "WINDOW_FRAMES",
    "Alignment",
    "BatchedEngine",
    "Decoded",
    "Encoded",
    "Span",
    "Task",
    "Tokenizer",
    "WhisperEngine",
    "language_codes",
    "load_engine",
    "log_mel",
    "tokenizer_for",
]
