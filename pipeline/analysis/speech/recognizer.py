"""Speech of one sound track at a time: blocks of sound in, a transcript out, in bounded memory."""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speech.activity import Island, IslandFinder, VoiceActivity
from pipeline.analysis.speech.engines import WhisperEngine, is_ctranslate2, language_codes
from pipeline.analysis.speech.guards import compression_ratio, judge
from pipeline.analysis.speech.transcription import Transcriber
from pipeline.analysis.speech.translation import clauses, with_translations
from pipeline.analysis.speech.utterances import split_utterances
from pipeline.analysis.speech.windows import PAD_SAMPLES, Plan, SoundBuffer, Window, WindowPacker
from pipeline.analysis.speech.words import SpokenWord, dictionary_words, in_order
from pipeline.models import ModelInfo, resolve
from schemas.config import SpeechConfig
from schemas.errors import ConfigurationError
from schemas.media import SAMPLE_RATE_HZ, AudioBlock
from schemas.records import Transcript, Utterance, Word

logger = logging.getLogger(__name__)

SpeechListener = Callable[[float, NDArray[np.float32]], None]
"""Takes where speech begins in the video, in seconds, and its sound, (n,) float32."""

LANGUAGE_WINDOWS = 4
"""The language is what the first windows sound like together: up to two minutes of speech."""
SLICE_SAMPLES = 10 * SAMPLE_RATE_HZ
"""Longer blocks are taken in such slices, so that a block of any size costs the same memory."""


class SpeechRecognizer:
    """A loaded Whisper and a voice activity detector; makes a session for each sound track.

    Args:
        config: What to load, and how to decode.
        device: `cpu` or `cuda`.
        threads: Threads on a CPU.

    Raises:
        ModelError: The model cannot be found or loaded.
        ConfigurationError: The forced language is unknown to it, or the engine is `none`.
    """

    info: ModelInfo

    def __init__(self, config: SpeechConfig, *, device: str, threads: int) -> None:
        self.info = resolve("speech", config.model)
        self._config = config
        self._engine = load_engine(config, self.info, device=device, threads=threads)
        self._language = _forced_language(config.language, self._engine)
        self._activity = VoiceActivity()

    @property
    def engine(self) -> str:
        """Name of the engine that was chosen."""
        return self._engine.name

    def session(self, listener: SpeechListener | None = None) -> "SpeechSession":
        """Begin a sound track.

        Args:
            listener: Told of each stretch of unbroken speech when it is found, in order.
        """
        return SpeechSession(Transcriber(self._engine, self._config), self._activity, self._language, listener)


class SpeechSession:
    """One sound track. The transcript does not depend on the sizes of the blocks it came in."""

    def __init__(
        self,
        transcriber: Transcriber,
        activity: VoiceActivity,
        language: str | None,
        listener: SpeechListener | None = None,
    ) -> None:
        self._listener = listener
        self._transcriber = transcriber
        self._config = transcriber.config
        self._activity = activity.stream()
        self._finder = IslandFinder(self._config.vad_threshold, self._config.min_speech_s)
        self._packer = WindowPacker()
        self._sound = SoundBuffer()
        self._offset_s: float | None = None
        self._islands: list[Island] = []
        self._pending: list[Window] = []
        self._words: list[SpokenWord] = []
        self._translated: list[SpokenWord] = []
        self._language = language
        self._probability = 1.0 if language else 0.0

    @property
    def held_samples(self) -> int:
        """Samples in memory; bounded however long the track."""
        return self._sound.held_samples + sum(len(window.sound) for window in self._pending)

    def add(self, block: AudioBlock) -> None:
        """Take the next block; transcribes when a batch of windows is full.

        Args:
            block: Not before the end of the one before; a gap between them counts as silence.
        """
        if self._offset_s is None:
            self._offset_s = block.start_s
        gap = round((block.start_s - self._offset_s) * SAMPLE_RATE_HZ) - self._sound.length
        # Containers round times: only a gap worth hearing is filled, and none is taken away.
        while gap > SAMPLE_RATE_HZ // 20:
            silence = np.zeros(min(gap, SLICE_SAMPLES), np.float32)
            self._take(silence)
            gap -= len(silence)
        for first in range(0, len(block.samples), SLICE_SAMPLES):
            self._take(block.samples[first : first + SLICE_SAMPLES])

    def finish(self) -> Transcript:
        """Transcribe what is left and return the transcript."""
        self._pack(self._finder.add(self._activity.finish()))
        self._pack(self._finder.finish())
        self._queue(self._packer.finish())
        while self._pending:
            self._transcribe()
        utterances = self._with_translations(self._utterances())
        return Transcript(
            language=self._language if utterances else None,
            language_probability=self._probability if utterances else 0.0,
            speech_s=sum(island.end - island.start for island in self._islands) / SAMPLE_RATE_HZ,
            utterances=utterances,
            engine=self._transcriber.engine.name,
        )

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._sound.add(samples)
        self._pack(self._finder.add(self._activity.add(samples)))
        undecided = self._finder.undecided_from - PAD_SAMPLES
        spans = [(island.start - PAD_SAMPLES, island.end + PAD_SAMPLES) for island in self._packer.needed]
        self._sound.forget(spans, before=undecided)
        while len(self._pending) >= self._batch:
            self._transcribe()

    def _pack(self, islands: Sequence[Island]) -> None:
        for island in islands:
            self._islands.append(island)
            if self._listener:
                begun_s = (self._offset_s or 0.0) + island.start / SAMPLE_RATE_HZ
                self._listener(begun_s, self._sound.read(island.start, island.end))
            self._queue(self._packer.add(island))

    def _queue(self, plans: Sequence[Plan]) -> None:
        for plan in plans:
            sound = np.concatenate([self._sound.read(start, end) for start, end in plan.pieces])
            self._pending.append(Window(plan, sound))

    @property
    def _batch(self) -> int:
        """Windows in the next batch; the first is large enough to tell the language by."""
        return self._config.batch_size if self._language else max(self._config.batch_size, LANGUAGE_WINDOWS)

    def _transcribe(self) -> None:
        batch, self._pending = self._pending[: self._batch], self._pending[self._batch :]
        encoded = self._transcriber.encode(batch)
        if self._language is None:
            lengths = [window.plan.samples for window in batch[:LANGUAGE_WINDOWS]]
            self._language, self._probability = _vote(self._transcriber.engine.detect(encoded), lengths)
        self._words += self._transcriber.transcribe(batch, encoded, self._language)
        if self._config.translate and self._language != "en":
            self._translated += self._transcriber.translate(batch, encoded, self._language)

    def _utterances(self) -> tuple[Utterance, ...]:
        limit_s = self._sound.length / SAMPLE_RATE_HZ
        kept: list[Utterance] = []
        dropped: Counter[str] = Counter()
        starts = [island.start for island in self._islands]
        for words in split_utterances(in_order(self._words, limit_s)) if self._words else ():
            verdict = judge(words, self._islands_under(words, starts), self._config)
            if verdict.hallucination:
                dropped[verdict.hallucination] += 1
            else:
                kept.append(self._record(len(kept), words, verdict.flags))
        if dropped:
            logger.info("dropped hallucinated utterances: %s", dict(dropped))
        return tuple(kept)

    def _islands_under(self, words: Sequence[SpokenWord], starts: Sequence[int]) -> Sequence[Island]:
        # The island before the first that starts within the words may reach into them.
        first = max(bisect_left(starts, words[0].start_s * SAMPLE_RATE_HZ) - 1, 0)
        return self._islands[first : bisect_left(starts, words[-1].end_s * SAMPLE_RATE_HZ)]

    def _with_translations(self, utterances: tuple[Utterance, ...]) -> tuple[Utterance, ...]:
        if not self._translated:
            return utterances
        starts = [island.start for island in self._islands]
        words = in_order(self._translated, self._sound.length / SAMPLE_RATE_HZ)
        believed = [
            clause
            for clause in clauses(words)
            if not judge(clause, self._islands_under(clause, starts), self._config).hallucination
        ]
        return with_translations(utterances, believed, self._offset_s or 0.0)

    def _record(self, index: int, words: Sequence[SpokenWord], flags: tuple[str, ...]) -> Utterance:
        offset_s = self._offset_s or 0.0
        text = "".join(word.text for word in words).strip()
        timed = tuple(
            Word(word.text.strip(), offset_s + word.start_s, offset_s + word.end_s, word.probability)
            for word in dictionary_words(words, self._language or "")
        )
        return Utterance(
            index=index,
            start_s=timed[0].start_s,
            end_s=timed[-1].end_s,
            text=text,
            language=self._language or "",
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
            f"speech.language is {language!r}, which this model does not know; it knows {', '.join(sorted(codes))}"
        )
    return language


def _vote(windows: Sequence[dict[str, float]], lengths: Sequence[int]) -> tuple[str, float]:
    """Return the likeliest language of the windows together, each weighted by its length, and its probability."""
    total = sum(lengths)
    shares = zip(windows, lengths, strict=False)
    votes: Counter[str] = Counter()
    for probabilities, length in shares:
        for language, probability in probabilities.items():
            votes[language] += probability * length / total  # type: ignore[assignment]
    language, probability = max(votes.items(), key=lambda vote: vote[1])
    return language, float(probability)


def load_engine(config: SpeechConfig, info: ModelInfo, *, device: str, threads: int) -> WhisperEngine:
    """Load the weights into the engine that the configuration asks for.

    `auto` is faster-whisper for CTranslate2 folders and openai-whisper for all others.

    Raises:
        ConfigurationError: The engine is `none`.
        ModelError: The engine cannot read this model.
    """
    if config.engine == "none":
        raise ConfigurationError(
            "speech.engine is `none`: there is no recognizer to load; leave the speech step out instead"
        )
    if config.engine == "openai-whisper" or (config.engine == "auto" and not is_ctranslate2(info.path)):
        from pipeline.analysis.speech.openai_engine import OpenAIWhisperEngine

        return OpenAIWhisperEngine(info, device=device, threads=threads)
    from pipeline.analysis.speech.faster_engine import FasterWhisperEngine

    return FasterWhisperEngine(info, compute_type=config.compute_type, device=device, threads=threads)
