"""The sound of one video, recognised in a thread of its own beside the pictures."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.speech import SpeechRecognizer, SpeechSession
from pipeline.analysis.video.clock import StepClock
from schemas.media import AudioBlock
from schemas.records import Transcript

_WAITING = 16
"""Blocks that may wait for the recogniser; then the decoder waits too, so that memory stays bounded."""

SILENCE = Transcript(language=None, language_probability=0.0, speech_s=0.0, utterances=(), engine="none")
"""The transcript of a video without sound, or where speech is switched off."""


class SoundTrack:
    """Takes blocks of sound as they are decoded; use it as a context manager, which ends its thread.

    Args:
        recognizer: The loaded speech model; None: nothing is transcribed.
        clock: Told the seconds that speech and speakers took.
        voices: Tells speakers apart; None: nobody is named.
    """

    def __init__(
        self, recognizer: SpeechRecognizer | None, clock: StepClock, voices: VoiceSession | None = None
    ) -> None:
        listener = voices.add if voices else None
        self._session: SpeechSession | None = recognizer.session(listener) if recognizer else None
        self._voices = voices
        self._clock = clock
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="speech")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(cancel_futures=True)

    def add(self, block: AudioBlock) -> None:
        """Queue a block; raises what an earlier one met."""
        if self._session is None:
            return
        while self._waiting and (len(self._waiting) >= _WAITING or self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._executor.submit(self._recognize, self._session, block))

    def finish(self) -> Transcript:
        """Wait for the last block and return what was said."""
        if self._session is None:
            return SILENCE
        while self._waiting:
            self._waiting.popleft().result()
        return self._executor.submit(self._end, self._session).result()

    def _recognize(self, session: SpeechSession, block: AudioBlock) -> None:
        with self._clock.step("speech"):
            session.add(block)
        if self._voices:
            with self._clock.step("speakers"):
                self._voices.encode()

    def _end(self, session: SpeechSession) -> Transcript:
        with self._clock.step("speech"):
            transcript = session.finish()
        if self._voices:
            with self._clock.step("speakers"):
                return self._voices.name(transcript)
        return transcript
