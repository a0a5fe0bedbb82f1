"""The audio of one video: speech recognition and speakers, in a thread beside the visual steps."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.speech import SpeechRecognizer, SpeechSession
from pipeline.analysis.video.clock import StepClock
from schemas.media import AudioBlock
from schemas.records import Transcript

_MAX_PENDING = 16
"""Blocks that may wait for the recogniser. Beyond this the decoder waits too, which keeps memory bounded."""

SILENCE = Transcript(language=None, language_probability=0.0, speech_s=0.0, utterances=(), engine="none")
"""The transcript of a video without audio, or with speech recognition turned off."""


class AudioTrack:
    """Transcribes blocks of audio as they are decoded. A context manager, which ends its thread.

    Args:
        recognizer: The loaded speech model; None to transcribe nothing.
        clock: Records the seconds spent on speech and speakers.
        voices: Distinguishes the speakers; None to leave them out.
    """

    def __init__(
        self, recognizer: SpeechRecognizer | None, clock: StepClock, voices: VoiceSession | None = None
    ) -> None:
        listener = voices.add if voices else None
        self._session: SpeechSession | None = recognizer.session(listener) if recognizer else None
        self._voices = voices
        self._clock = clock
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="speech")
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(cancel_futures=True)

    def add(self, block: AudioBlock) -> None:
        """Queue a block. Raises the error of an earlier block, if there was one."""
        if self._session is None:
            return
        while self._pending and (len(self._pending) >= _MAX_PENDING or self._pending[0].done()):
            self._pending.popleft().result()
        self._pending.append(self._executor.submit(self._recognize, self._session, block))

    def finish(self) -> Transcript:
        """Wait for the last block and return the transcript."""
        if self._session is None:
            return SILENCE
        while self._pending:
            self._pending.popleft().result()
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
