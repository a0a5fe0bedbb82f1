"""Speech recognition of one audio track at a time: audio blocks in, a transcript out, in bounded memory."""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speech.engines import BatchedEngine, WhisperEngine, language_codes, load_engine
from pipeline.analysis.speech.guards import check_utterance, compression_ratio
from pipeline.analysis.speech.language_tracker import LanguageTracker, Stretch
from pipeline.analysis.speech.transcription import Transcriber
from pipeline.analysis.speech.translation import clauses, with_translations
from pipeline.analysis.speech.utterances import split_utterances
from pipeline.analysis.speech.voice_activity import (
    FRAME_SAMPLES,
    SpeechMeter,
    SpeechSegment,
    SpeechSegmentFinder,
    VoiceActivityDetector,
)
from pipeline.analysis.speech.windows import PAD_SAMPLES, AudioBuffer, Window, WindowPacker, WindowPlan
from pipeline.analysis.speech.words import SpokenWord, dictionary_words, in_order
from pipeline.models import BatchSize, ModelInfo, batch_size, resolve
from schemas.config import SpeechConfig
from schemas.errors import ConfigurationError
from schemas.media import SAMPLE_RATE_HZ, AudioBlock
from schemas.records import Transcript, Utterance, Word, language_shares

logger = logging.getLogger(__name__)

SpeechListener = Callable[[float, NDArray[np.float32]], None]
"""Called with the start of a speech segment in the video, in seconds, and its audio, (n,) float32."""

LANGUAGE_WINDOWS = 4
"""Smallest batch, up to two minutes of speech, if the language is detected: what follows helps to decide it."""
SLICE_SAMPLES = 10 * SAMPLE_RATE_HZ
"""Longer blocks are split into slices, so that a block of any size needs the same memory."""


class SpeechRecognizer:
    """A loaded ASR engine and a voice activity detector. It starts a session for each audio track.

    Args:
        config: The `speech` section: what to load, and how to decode.
        device: `cpu` or `cuda`.
        threads: Threads on a CPU.

    Raises:
        ModelError: The model cannot be found or loaded.
        ConfigurationError: The model does not know the configured language, or the engine is `none`.
    """

    info: ModelInfo

    def __init__(self, config: SpeechConfig, *, device: str, threads: int) -> None:
        self.info = resolve("speech", config.model)
        size = batch_size("speech", config.batch_size, device)
        self._config = config.model_copy(update={"batch_size": size})
        engine = load_engine(config, self.info, device=device, threads=threads)
        self._engine = BatchedEngine(engine, BatchSize("speech", max(size, LANGUAGE_WINDOWS), device))
        self._language = _forced_language(config.language, self._engine)
        self._detector = VoiceActivityDetector(device)
        self._transcriber = Transcriber(self._engine, self._config)

    @property
    def engine(self) -> str:
        """Name of the loaded engine."""
        return self._engine.name

    @property
    def runs_on(self) -> dict[str, str]:
        """Device, precision and batch of both models, for the log."""
        batch = f" x{self._config.batch_size}"
        return {"speech": f"{self._engine.runs_on}{batch}", "voice activity": self._detector.runs_on}

    def check(self) -> None:
        """Run both models on a fraction of a second, to see whether they work."""
        activity = self._detector.stream()
        activity.add(np.zeros(FRAME_SAMPLES, np.float32))
        activity.finish()
        encoded = self._engine.encode(np.zeros((1, self._engine.n_mels, 20), np.float32))
        if self._engine.multilingual:
            self._engine.detect(encoded, [(0, 0, 10)])

    def session(self, listener: SpeechListener | None = None) -> "SpeechSession":
        """Start an audio track.

        Args:
            listener: Called with each speech segment as it is found, in order.
        """
        return SpeechSession(self._transcriber, self._detector, self._language, listener)

    def meter(self) -> SpeechMeter:
        """Return a new meter, which only measures how much speech there is."""
        finder = SpeechSegmentFinder(self._config.vad_threshold, self._config.min_speech_s)
        return SpeechMeter(self._detector.stream(), finder)


class SpeechSession:
    """Recognition of one audio track. The transcript does not depend on the sizes of the blocks."""

    def __init__(
        self,
        transcriber: Transcriber,
        detector: VoiceActivityDetector,
        language: str | None,
        listener: SpeechListener | None = None,
    ) -> None:
        self._listener = listener
        self._transcriber = transcriber
        self._config = transcriber.config
        self._activity = detector.stream()
        self._finder = SpeechSegmentFinder(self._config.vad_threshold, self._config.min_speech_s)
        self._packer = WindowPacker()
        self._audio = AudioBuffer()
        self._offset_s: float | None = None
        self._segments: list[SpeechSegment] = []
        self._pending: list[Window] = []
        self._words: list[SpokenWord] = []
        self._translated: list[SpokenWord] = []
        self._language = language
        self._languages = LanguageTracker(transcriber)

    @property
    def held_samples(self) -> int:
        """Samples in memory. Bounded, whatever the length of the track."""
        return self._audio.held_samples + sum(len(window.audio) for window in self._pending)

    @property
    def speech_s(self) -> float:
        """Seconds of speech so far. Speech that has not ended yet does not count."""
        return sum(segment.end - segment.start for segment in self._segments) / SAMPLE_RATE_HZ

    def add(self, block: AudioBlock) -> None:
        """Add the next block. Transcribes when a batch of windows is full.

        Args:
            block: Starts at or after the end of the previous block. A gap between them counts as silence.
        """
        if self._offset_s is None:
            self._offset_s = block.start_s
        gap = round((block.start_s - self._offset_s) * SAMPLE_RATE_HZ) - self._audio.length
        # Containers round times, so only audible gaps are filled, and overlaps are ignored.
        while gap > SAMPLE_RATE_HZ // 20:
            silence = np.zeros(min(gap, SLICE_SAMPLES), np.float32)
            self._take(silence)
            gap -= len(silence)
        for first in range(0, len(block.samples), SLICE_SAMPLES):
            self._take(block.samples[first : first + SLICE_SAMPLES])

    def finish(self) -> Transcript:
        """Transcribe the remaining audio and return the transcript."""
        self._pack(self._finder.add(self._activity.finish()))
        self._pack(self._finder.finish())
        self._queue(self._packer.finish())
        while self._pending:
            self._transcribe(final=True)
        utterances = self._with_translations(self._utterances())
        shares = language_shares(utterances)
        language = shares[0].language if shares else None
        return Transcript(
            language=language,
            language_probability=self._probability(language) if language else 0.0,
            speech_s=self.speech_s,
            utterances=utterances,
            engine=self._transcriber.engine.name,
        )

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._audio.add(samples)
        self._pack(self._finder.add(self._activity.add(samples)))
        undecided = self._finder.undecided_from - PAD_SAMPLES
        spans = [(segment.start - PAD_SAMPLES, segment.end + PAD_SAMPLES) for segment in self._packer.needed]
        self._audio.release(spans, before=undecided)
        while len(self._pending) >= self._batch:
            self._transcribe()

    def _pack(self, segments: Sequence[SpeechSegment]) -> None:
        for segment in segments:
            self._segments.append(segment)
            if self._listener:
                start_s = (self._offset_s or 0.0) + segment.start / SAMPLE_RATE_HZ
                self._listener(start_s, self._audio.read(segment.start, segment.end))
            self._queue(self._packer.add(segment))

    def _queue(self, plans: Sequence[WindowPlan]) -> None:
        for plan in plans:
            audio = np.concatenate([self._audio.read(start, end) for start, end in plan.pieces])
            self._pending.append(Window(plan, audio))

    @property
    def _batch(self) -> int:
        """Windows in the next batch."""
        return self._config.batch_size if self._language else max(self._config.batch_size, LANGUAGE_WINDOWS)

    def _transcribe(self, *, final: bool = False) -> None:
        batch, self._pending = self._pending[: self._batch], self._pending[self._batch :]
        spoken: list[SpokenWord] = []
        for stretch in self._stretches(batch, final=final and not self._pending):
            spoken += self._transcriber.transcribe(stretch.windows, stretch.encoded, stretch.language)
            if self._config.translate and stretch.language != "en":
                self._translated += self._transcriber.translate(stretch.windows, stretch.encoded, stretch.language)
        self._words += sorted(spoken, key=lambda word: word.start_s + word.end_s)

    def _stretches(self, batch: Sequence[Window], *, final: bool) -> Sequence[Stretch]:
        if self._language:
            return [Stretch(batch, self._transcriber.encode(batch), self._language)]
        stretches, held = self._languages.stretches(batch, final=final)
        self._pending = [*held, *self._pending]
        return stretches

    def _probability(self, language: str) -> float:
        return 1.0 if self._language else self._languages.probability(language)

    def _utterances(self) -> tuple[Utterance, ...]:
        limit_s = self._audio.length / SAMPLE_RATE_HZ
        kept: list[Utterance] = []
        dropped: Counter[str] = Counter()
        starts = [segment.start for segment in self._segments]
        for words in split_utterances(in_order(self._words, limit_s)) if self._words else ():
            result = check_utterance(words, self._segments_under(words, starts), self._config)
            if result.hallucination:
                dropped[result.hallucination] += 1
            else:
                kept.append(self._record(len(kept), words, result.flags))
        if dropped:
            logger.info("dropped hallucinated utterances: %s", dict(dropped))
        return tuple(kept)

    def _segments_under(self, words: Sequence[SpokenWord], starts: Sequence[int]) -> Sequence[SpeechSegment]:
        # The segment before the first one that starts within the words may also overlap them.
        first = max(bisect_left(starts, words[0].start_s * SAMPLE_RATE_HZ) - 1, 0)
        return self._segments[first : bisect_left(starts, words[-1].end_s * SAMPLE_RATE_HZ)]

    def _with_translations(self, utterances: tuple[Utterance, ...]) -> tuple[Utterance, ...]:
        if not self._translated:
            return utterances
        starts = [segment.start for segment in self._segments]
        words = in_order(self._translated, self._audio.length / SAMPLE_RATE_HZ)
        plausible = [
            clause
            for clause in clauses(words)
            if not check_utterance(clause, self._segments_under(clause, starts), self._config).hallucination
        ]
        return with_translations(utterances, plausible, self._offset_s or 0.0)

    def _record(self, index: int, words: Sequence[SpokenWord], flags: tuple[str, ...]) -> Utterance:
        offset_s = self._offset_s or 0.0
        text = "".join(word.text for word in words).strip()
        timed = tuple(
            Word(word.text.strip(), offset_s + word.start_s, offset_s + word.end_s, word.probability)
            for word in dictionary_words(words)
        )
        return Utterance(
            index=index,
            start_s=timed[0].start_s,
            end_s=timed[-1].end_s,
            text=text,
            language=words[0].language,
            speaker=None,
            words=timed if self._config.word_times else (),
            avg_logprob=sum(word.logprob for word in words) / sum(word.tokens for word in words),
            no_speech_prob=max(word.no_speech_prob for word in words),
            compression_ratio=compression_ratio(text),
            flags=flags,
        )


def _forced_language(language: str | None, engine: WhisperEngine) -> str | None:
    codes = language_codes(engine)
    if language is None:
        return None if len(codes) > 1 else codes[0]
    if language not in codes:
        raise ConfigurationError(
            f"speech.language is {language!r}, which this model does not know. It knows {', '.join(sorted(codes))}"
        )
    return language
