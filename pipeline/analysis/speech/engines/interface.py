"""The interface of an ASR engine, and the code that all engines share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

MAX_TOKENS = 224
"""Most tokens per window: half of Whisper's text context."""
Task = Literal["transcribe", "translate"]
ALIGNMENT_STEP_S = 0.02
"""Time step between two outputs of the encoder."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The decoder's output for one window."""

    tokens: tuple[int, ...]
    """Text tokens, without special tokens."""
    avg_logprob: float
    no_speech_prob: float

    @property
    def truncated(self) -> bool:
        """Whether the decoder hit the token limit, as it does when it repeats itself."""
        return len(self.tokens) >= MAX_TOKENS - 1


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
    """(n, 1500, d)."""
    windows: int


class Tokenizer(Protocol):
    """The members of `whisper.tokenizer.Tokenizer` that we use."""

    language: str | None
    sot_sequence: tuple[int, ...]
    no_timestamps: int
    eot: int
    all_language_codes: tuple[str, ...]

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

    def encode(self, mel: NDArray[np.float32]) -> Encoded:
        """Run the encoder over (n, n_mels, 3000) float32 log-mel windows."""

    def detect(self, encoded: Encoded) -> list[dict[str, float]]:
        """Return the probability of each language code for each window."""

    def generate(
        self, encoded: Encoded, language: str, *, beam_size: int, break_loops: bool, task: Task = "transcribe"
    ) -> list[Decoded]:
        """Decode the windows together.

        Args:
            encoded: From `encode`.
            language: Code of the language spoken.
            beam_size: Beams; 1 is greedy.
            break_loops: Decode in a way that breaks loops, at some cost in accuracy. Still deterministic.
            task: `translate` gives English, whatever language is spoken.
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


def log_mel(audio: Sequence[NDArray[np.float32]], n_mels: int) -> NDArray[np.float32]:
    """Return log-mel spectrograms, (n, n_mels, 3000) float32, of up to 30 s of audio each, padded with silence."""
    from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim

    windows = [log_mel_spectrogram(pad_or_trim(samples, N_SAMPLES), n_mels).numpy() for samples in audio]
    return np.stack(windows).astype(np.float32, copy=False)


def alignment(path: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Alignment:
    """Read token times off a dynamic time warping path.

    Args:
        path: (steps, 2) token and encoder output at each step; the token after the last one marks the end.
        probabilities: (tokens,).
    """
    first = np.append(True, np.diff(path[:, 0]) > 0)
    return Alignment(path[first, 1] * ALIGNMENT_STEP_S, probabilities)


def tokenizer_for(engine: WhisperEngine, language: str | None = None, task: Task = "transcribe") -> Tokenizer:
    """Return OpenAI's tokenizer for the engine's vocabulary, a language and a task. The whisper package caches it."""
    from whisper.tokenizer import get_tokenizer

    found: Tokenizer = get_tokenizer(
        engine.multilingual, num_languages=engine.num_languages, language=language, task=task
    )
    return found


def language_codes(engine: WhisperEngine) -> tuple[str, ...]:
    """Return the codes of the languages the model knows."""
    return tuple(tokenizer_for(engine).all_language_codes) if engine.multilingual else ("en",)
