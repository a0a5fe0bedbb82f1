"""The interface of an ASR engine, and the code that all engines share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speech.engines.whisper_modules import whisper_module
from schemas.media import SAMPLE_RATE_HZ

MAX_TOKENS = 224
"""Most tokens per window: half of Whisper's text context."""
Task = Literal["transcribe", "translate"]
FRAME_SAMPLES = 320
"""Samples between two outputs of the encoder."""
WINDOW_FRAMES = 1500
"""Most outputs of the encoder per window, for 30 s."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The decoder's output for one window."""

    tokens: tuple[int, ...]
    """Text tokens, without special tokens."""
    avg_logprob: float
    no_speech_prob: float
    truncated: bool = False
    """Whether the decoder did not end by itself: it hit the limit, as it does in a loop, or was stopped in one."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """When each text token is spoken."""

    start_s: NDArray[np.float64]
    """(tokens + 1,) start of each token and end of the last one, from the start of the window."""
    probabilities: NDArray[np.float64]
    """(tokens,) probability of each token given the previous ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The encoder's output for some windows, in the engine's own array type."""

    features: Any
    """(n, frames, d), with 50 frames per second."""
    windows: int


Span = tuple[int, int, int]
"""A window's index, and the first and last (exclusive) of its encoder outputs."""
ENDING_FRAMES = 100
"""Outputs for silence that follow those of a part of a window: the decoder looks for the end of the speech. Without
them, it named the language of 58 % of the units of some recordings right, even if they were encoded alone; with them,
of 98 %. More do not help."""


class Tokenizer(Protocol):
    """The members of `whisper.tokenizer.Tokenizer` that we use."""

    language: str | None
    sot_sequence: tuple[int, ...]
    no_timestamps: int
    sot: int
    eot: int
    all_language_codes: tuple[str, ...]
    all_language_tokens: tuple[int, ...]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""

    def decode(self, token_ids: list[int]) -> str:
        """Return the text of tokens."""

    def split_to_word_tokens(self, tokens: list[int]) -> tuple[list[str], list[list[int]]]:
        """Return the words, and the tokens of each word."""


class WhisperEngine(Protocol):
    """A loaded Whisper model. Every engine offers these members."""

    name: str
    n_mels: int
    multilingual: bool
    num_languages: int
    runs_on: str
    """Device and precision, for the log."""

    def encode(self, mel: NDArray[np.float32]) -> Encoded:
        """Run the encoder over (n, n_mels, frames) float32 log-mel windows of one even length, at most 3000."""

    def select(self, encoded: Encoded, indices: Sequence[int]) -> Encoded:
        """Return the encoder's output for some of the windows, in this order."""

    def join(self, parts: Sequence[Encoded]) -> Encoded:
        """Return what was encoded in several calls, windows of one length, as if it had been encoded together."""

    def detect(self, encoded: Encoded, spans: Sequence[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        """Return the probability of each language code for each span, in which speech is taken to be in one language.

        Args:
            encoded: From `encode`.
            spans: Windows or parts of them. Those of one length are examined together.
            ending: A window of the same length that ends with silence, whose last `ENDING_FRAMES` outputs follow each
                part. None: each window does so itself.
        """

    def generate(
        self,
        encoded: Encoded,
        language: str,
        *,
        beam_size: int,
        break_loops: bool,
        task: Task = "transcribe",
        max_tokens: int = MAX_TOKENS,
    ) -> list[Decoded]:
        """Decode the windows together.

        Args:
            encoded: From `encode`.
            language: Code of the language spoken.
            beam_size: Beams; 1 is greedy.
            break_loops: Decode in a way that breaks loops, at some cost in accuracy. Still deterministic.
            task: `translate` gives English, whatever language is spoken.
            max_tokens: Most tokens of a window.
        """

    def align(
        self,
        encoded: Encoded,
        language: str,
        tokens: Sequence[Sequence[int]],
        frames: Sequence[int],
        *,
        task: Task = "transcribe",
    ) -> list[Alignment]:
        """Align text tokens (at least one per window) with the first `frames` mel frames of each window."""


def is_ctranslate2(path: Path) -> bool:
    """Return whether the folder holds a CTranslate2 model."""
    return (path / "model.bin").is_file()


def log_mel(
    audio: Sequence[NDArray[np.float32]], n_mels: int, samples: int = WINDOW_FRAMES * FRAME_SAMPLES
) -> NDArray[np.float32]:
    """Return log-mel spectrograms, (n, n_mels, 3000) float32, of up to 30 s of audio each, padded with silence.

    Args:
        audio: Each (n,) float32 at 16 kHz.
        n_mels: Bands of the engine.
        samples: Length to pad or trim to. Shorter spectrograms have fewer steps, one for 10 ms, and an even number.
    """
    whisper = whisper_module("audio")
    length = samples // FRAME_SAMPLES * FRAME_SAMPLES
    windows = [whisper.log_mel_spectrogram(whisper.pad_or_trim(each, length), n_mels).numpy() for each in audio]
    return np.stack(windows).astype(np.float32, copy=False)


def alignment(path: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Alignment:
    """Read token times off a dynamic time warping path.

    Args:
        path: (steps, 2) token and encoder output at each step; the token after the last one marks the end.
        probabilities: (tokens,).
    """
    first = np.append(True, np.diff(path[:, 0]) > 0)
    return Alignment(path[first, 1] * FRAME_SAMPLES / SAMPLE_RATE_HZ, probabilities)


def by_length(spans: Sequence[Span]) -> dict[int, list[int]]:
    """Return the indices of the spans of each length."""
    indices: dict[int, list[int]] = {}
    for index, (_, first, last) in enumerate(spans):
        indices.setdefault(last - first, []).append(index)
    return indices


def tokenizer_for(engine: WhisperEngine, language: str | None = None, task: Task = "transcribe") -> Tokenizer:
    """Return OpenAI's tokenizer for the engine's vocabulary, a language and a task. The whisper package caches it."""
    found: Tokenizer = whisper_module("tokenizer").get_tokenizer(
        engine.multilingual, num_languages=engine.num_languages, language=language, task=task
    )
    return found


def language_codes(engine: WhisperEngine) -> tuple[str, ...]:
    """Return the codes of the languages the model knows."""
    return tuple(tokenizer_for(engine).all_language_codes) if engine.multilingual else ("en",)
