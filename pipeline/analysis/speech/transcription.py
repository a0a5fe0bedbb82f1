"""From windows of speech to words: decode in batches, then redo windows that loop and speech that was left out."""

import logging
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.analysis.speech.engines import (
    FRAME_SAMPLES,
    MAX_TOKENS,
    WINDOW_FRAMES,
    Decoded,
    Encoded,
    Task,
    WhisperEngine,
    log_mel,
    tokenizer_for,
)
from pipeline.analysis.speech.guards import SURE_SPEECH, compression_ratio
from pipeline.analysis.speech.seams import without_repeats
from pipeline.analysis.speech.windows import Window
from pipeline.analysis.speech.words import SpokenWord, map_to_track, words_in_window
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

MIN_GAP_S = 1.0
"""Speech of this length without words is decoded again by itself."""
MAX_HALVINGS = 2
SHORT_S, SHORT_FRAMES = 10, 600
"""Windows up to this length are first decoded in a context of 12 s, which the encoder reads in a quarter of the time of
the 30 s that it was trained on. What the decoder is unsure of is decoded again in 30 s."""
SHORT_MARGIN = 0.03
"""How much surer the decoder must be there, as mean log-probability: one word in 25 was wrong just at the limit."""
SHORT_SILENCE = 0.1
"""How much less probable silence is there: 0.58 instead of 0.65 where nobody speaks, and at most 0.34 in speech of
known text. Where the decoder is unsure, silence is too probable, and the voice activity detector doubts that there is
speech, nobody speaks."""
FIRST_TOKENS, TOKENS_A_SECOND = 20, 20
"""Limit for short windows, so that loops over a moment of noise end soon. Numbers read at 300 words per minute need 5
tokens a second in English, and scripts outside the vocabulary of Whisper two to three times as many."""
NOTHING = Decoded((), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Transcriber:
    """An ASR engine with its settings."""

    engine: WhisperEngine
    config: SpeechConfig
    _silence: dict[int, Encoded] = field(default_factory=dict, init=False, repr=False, compare=False)

    def encode(self, windows: Sequence[Window], frames: int = 0) -> Encoded:
        """Run the encoder over the windows.

        Args:
            windows: Not empty.
            frames: Outputs of the encoder for each; by default `context_frames`.
        """
        samples = (frames or context_frames(windows)) * FRAME_SAMPLES
        return self.engine.encode(log_mel([window.audio for window in windows], self.engine.n_mels, samples=samples))

    def silence(self, frames: int) -> Encoded:
        """Return the encoder's output for a window of silence, which is encoded once for all tracks.

        Args:
            frames: Outputs of the encoder.
        """
        if frames not in self._silence:
            self._silence[frames] = self.encode_silence(frames)
        return self._silence[frames]

    def encode_silence(self, frames: int) -> Encoded:
        """Run the encoder over a window of silence.

        Args:
            frames: Outputs of the encoder.
        """
        silence = np.zeros(FRAME_SAMPLES, np.float32)
        return self.engine.encode(log_mel([silence], self.engine.n_mels, samples=frames * FRAME_SAMPLES))

    def transcribe(self, windows: Sequence[Window], encoded: Encoded, language: str) -> list[SpokenWord]:
        """Return the words spoken in the windows, with seconds from the start of the audio.

        Args:
            windows: One batch, not empty.
            encoded: The result of `encode` for these windows, in their default context.
            language: Code of the spoken language.
        """
        spoken = self._words(windows, encoded, language, halvings=0)
        gaps = [gap for window, words in zip(windows, spoken, strict=True) for gap in _gaps(window, words)]
        words = _in_time([word for words in spoken for word in words])
        for gap, found in zip(gaps, self._fill(gaps, language) if gaps else (), strict=True):
            index = bisect_left(words, gap.plan.pieces[0][0] / SAMPLE_RATE_HZ, key=_middle_s)
            words[index:index] = without_repeats(words[:index], found, words[index:])
        return _in_time(words)

    def translate(self, windows: Sequence[Window], encoded: Encoded, language: str) -> list[SpokenWord]:
        """Return an English translation of the windows, word by word, with seconds from the start of the audio.

        Times come from the cross-attention, as for spoken words. Languages order words differently, so the times are
        right for clauses rather than for words. Windows that the decoder is unsure of are left out.

        Args:
            windows: One batch, not empty.
            encoded: The result of `encode` for these windows, in their default context.
            language: Code of the spoken language.
        """
        if context_frames(windows) < WINDOW_FRAMES:
            encoded = self.encode(windows, WINDOW_FRAMES)
        decoded = self._generate(encoded, language, max_tokens=_max_tokens(windows), task="translate")
        confident = [NOTHING if self._failed(result, "en") else result for result in decoded]
        aligned = self._align(windows, encoded, confident, language, task="translate")
        return [word for words in aligned for word in words]

    def _words(
        self, windows: Sequence[Window], encoded: Encoded, language: str, *, halvings: int
    ) -> list[list[SpokenWord]]:
        if context_frames(windows) == WINDOW_FRAMES:
            return self._words_in_full(windows, encoded, language, halvings=halvings)
        decoded = self._greedy(encoded, language, max_tokens=_max_tokens(windows))
        unsure = [n for n, result in enumerate(decoded) if self._unsure(result, language, SHORT_MARGIN)]
        silent = self.config.max_no_speech_prob - SHORT_SILENCE
        again = [n for n in unsure if decoded[n].no_speech_prob <= silent or _is_speech(windows[n])]
        found = [NOTHING if number in unsure else result for number, result in enumerate(decoded)]
        aligned = self._align(windows, encoded, found, language)
        if not again:
            return aligned
        chosen = [windows[number] for number in again]
        full = self._words_in_full(chosen, self.encode(chosen, WINDOW_FRAMES), language, halvings=halvings)
        redone = dict(zip(again, full, strict=True))
        return [redone.get(number, words) for number, words in enumerate(aligned)]

    def _words_in_full(
        self, windows: Sequence[Window], encoded: Encoded, language: str, *, halvings: int
    ) -> list[list[SpokenWord]]:
        decoded = self._generate(encoded, language, max_tokens=_max_tokens(windows))
        redone: dict[int, list[SpokenWord]] = {}
        for number, (window, result) in enumerate(zip(windows, decoded, strict=True)):
            if self._failed(result, language):
                halves = window.halves() if halvings < MAX_HALVINGS else None
                if halves:
                    parts = self._words(halves, self.encode(halves), language, halvings=halvings + 1)
                    redone[number] = [word for part in parts for word in part]
                elif self._loops(result, language):
                    decoded[number] = self._without_loops(window, result, language)
        aligned = self._align(windows, encoded, decoded, language)
        return [redone.get(number, words) for number, words in enumerate(aligned)]

    def _generate(
        self, encoded: Encoded, language: str, *, max_tokens: int = MAX_TOKENS, task: Task = "transcribe"
    ) -> list[Decoded]:
        """Decode greedily, and decode again with beams the windows that this is unsure of, which are few."""
        written = language if task == "transcribe" else "en"
        decoded = self._greedy(encoded, language, max_tokens=max_tokens, task=task)
        unsure = [number for number, result in enumerate(decoded) if self._unsure(result, written)]
        if self.config.beam_size == 1 or not unsure:
            return decoded
        chosen = encoded if len(unsure) == len(decoded) else self.engine.select(encoded, unsure)
        beams = self.config.beam_size
        again = self.engine.generate(
            chosen, language, beam_size=beams, break_loops=False, task=task, max_tokens=max_tokens
        )
        for number, result in zip(unsure, again, strict=True):
            # Beams are right more often, but they also find more probable loops.
            if not self._loops(result, written) or self._loops(decoded[number], written):
                decoded[number] = result
        return decoded

    def _greedy(self, encoded: Encoded, language: str, *, max_tokens: int, task: Task = "transcribe") -> list[Decoded]:
        return self.engine.generate(encoded, language, beam_size=1, break_loops=False, task=task, max_tokens=max_tokens)

    def _align(
        self,
        windows: Sequence[Window],
        encoded: Encoded,
        decoded: Sequence[Decoded],
        language: str,
        *,
        task: Task = "transcribe",
    ) -> list[list[SpokenWord]]:
        if not any(result.tokens for result in decoded):
            return [[] for _ in windows]
        tokenizer = tokenizer_for(self.engine, language if task == "transcribe" else "en")
        # The engines need at least one token per window; the result for an empty window is discarded.
        tokens = [result.tokens or (tokenizer.encode(" ")[0],) for result in decoded]
        frames = [window.plan.samples * 100 // SAMPLE_RATE_HZ for window in windows]
        alignments = self.engine.align(encoded, language, tokens, frames, task=task)
        spoken = []
        for window, result, aligned in zip(windows, decoded, alignments, strict=True):
            silent = not result.tokens or self._silent(result)
            words = [] if silent else words_in_window(tokenizer, result.tokens, aligned, result.no_speech_prob)
            spoken.append(map_to_track(words, window.plan))
        return spoken

    def _fill(self, gaps: Sequence[Window], language: str) -> list[list[SpokenWord]]:
        """Decode the gaps again, and return the words of each of which the decoder is confident."""
        found: list[list[SpokenWord]] = []
        for first in range(0, len(gaps), self.config.batch_size):
            batch = gaps[first : first + self.config.batch_size]
            encoded = self.encode(batch, WINDOW_FRAMES)
            decoded = self._generate(encoded, language, max_tokens=_max_tokens(batch))
            confident = [NOTHING if self._failed(result, language) else result for result in decoded]
            found += self._align(batch, encoded, confident, language)
        logger.info("decoded gaps in the transcript again", extra={"gaps": len(gaps), "words": sum(map(len, found))})
        return found

    def _without_loops(self, window: Window, looping: Decoded, language: str) -> Decoded:
        encoded = self.encode([window], WINDOW_FRAMES)
        other = self.engine.generate(
            encoded, language, beam_size=self.config.beam_size, break_loops=True, max_tokens=_max_tokens([window])
        )[0]
        return min(other, looping, key=lambda result: compression_ratio(self._text(result, language)))

    def _text(self, result: Decoded, language: str) -> str:
        return str(tokenizer_for(self.engine, language).decode(list(result.tokens)))

    def _unsure(self, result: Decoded, language: str, margin: float = 0.0) -> bool:
        return result.avg_logprob < self.config.min_greedy_logprob + margin or self._loops(result, language)

    def _loops(self, result: Decoded, language: str) -> bool:
        return result.truncated or compression_ratio(self._text(result, language)) > self.config.max_compression_ratio

    def _failed(self, result: Decoded, language: str) -> bool:
        return result.avg_logprob < self.config.min_avg_logprob or self._loops(result, language)

    def _silent(self, result: Decoded) -> bool:
        unsure = result.avg_logprob < self.config.min_avg_logprob
        return unsure and result.no_speech_prob > self.config.max_no_speech_prob


def context_frames(windows: Sequence[Window]) -> int:
    """Return the outputs of the encoder for windows that are encoded together, in their default context."""
    longest = max(len(window.audio) for window in windows)
    return SHORT_FRAMES if longest <= SHORT_S * SAMPLE_RATE_HZ else WINDOW_FRAMES


def _is_speech(window: Window) -> bool:
    """Return whether the voice activity detector is sure that there is speech."""
    return any(segment.probability >= SURE_SPEECH for segment in window.plan.segments)


def _max_tokens(windows: Sequence[Window]) -> int:
    longest_s = max(len(window.audio) for window in windows) / SAMPLE_RATE_HZ
    return min(FIRST_TOKENS + round(TOKENS_A_SECOND * longest_s), MAX_TOKENS)


def _gaps(window: Window, words: Sequence[SpokenWord]) -> Iterator[Window]:
    """Yield the parts of a window that hold speech but no words."""
    first, last = window.plan.pieces[0][0], window.plan.pieces[-1][1]
    edges = [(round(w.start_s * SAMPLE_RATE_HZ), round(w.end_s * SAMPLE_RATE_HZ)) for w in words]
    ends = [first, *(end for _, end in edges)]
    starts = [*(start for start, _ in edges), last]
    for end, start in zip(ends, starts, strict=True):
        speech = sum(segment.end - segment.start for segment in window.plan.clip(end, start).segments)
        if speech >= MIN_GAP_S * SAMPLE_RATE_HZ and words:
            yield window.clip(end, start)


def _in_time(words: Sequence[SpokenWord]) -> list[SpokenWord]:
    return sorted(words, key=_middle_s)


def _middle_s(word: SpokenWord) -> float:
    return (word.start_s + word.end_s) / 2
