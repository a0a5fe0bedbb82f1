"""The audio of one video: speech, speakers and sounds, in a thread beside the visual steps."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.sounds import SoundSession, marked_as_sung
from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.speech import SpeechMeter, SpeechRecognizer, SpeechSession
from pipeline.analysis.video.clock import StepClock
from pipeline.analysis.video.lanes import merge_lanes
from pipeline.analysis.video.side_thread import SideThread
from schemas.media import AudioBlock, AudioStream
from schemas.records import Sound, Transcript

_MAX_PENDING = 16
"""Blocks that may wait for the recogniser."""
_ENOUGH_SPEECH_S = 10.0
"""After so much speech in the first track, the others are no longer listened to."""
_MIN_SPEECH_S = 1.0
_SILENCE_LEVEL = 1e-3
"""In a block without a louder sample nobody speaks. Broadcast files have many silent tracks."""

SILENCE = Transcript(language=None, language_probability=0.0, speech_s=0.0, utterances=(), engine="none")
"""The transcript of a video without audio, or with speech recognition turned off."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in an audio track."""

    transcript: Transcript
    sounds: tuple[Sound, ...] = ()


class AudioTrack:
    """Transcribes and classifies blocks of audio as they are decoded. Close it to end its thread.

    Channels that are separated are transcribed each by itself, with speakers of its own. It also listens to the other
    audio tracks of the file, in case nobody speaks in the first one.

    Args:
        recognizer: The loaded speech model; None to transcribe nothing.
        clock: Records the seconds spent on speech, speakers and sounds.
        streams: Audio streams of the file. The first one is transcribed.
        voices: Makes what distinguishes the speakers of a channel; None to leave them out.
        sounds: What classifies the sounds of the first stream; None to leave them out.
    """

    def __init__(
        self,
        recognizer: SpeechRecognizer | None,
        clock: StepClock,
        streams: Sequence[AudioStream],
        voices: Callable[[], VoiceSession] | None = None,
        sounds: SoundSession | None = None,
    ) -> None:
        self._recognizer = recognizer
        self._voices = voices
        self._sounds = sounds
        self._lanes: dict[int, _Lane] = {0: self._lane(recognizer)} if recognizer else {}
        self._clock = clock
        self._streams = streams
        self._meters = {stream.index: recognizer.meter() for stream in streams[1:]} if recognizer else {}
        self.unneeded: set[int] = set() if recognizer else {stream.index for stream in streams[1:]}
        """Indexes of streams that need not be decoded any more."""
        self._thread = SideThread("speech", max_pending=_MAX_PENDING)
        self._ended: Future[Heard] | None = None

    def close(self) -> None:
        """End the thread of the audio."""
        self._thread.close()

    def add(self, block: AudioBlock) -> None:
        """Queue a block. Raises the error of an earlier block, if there was one."""
        if self._recognizer is None and self._sounds is None:
            return
        meter = self._meters.get(block.stream)
        if meter:
            self._thread.add(self._measure, meter, block)
        else:
            if self._recognizer and block.lane not in self._lanes:
                self._lanes[block.lane] = self._lane(self._recognizer)
            self._thread.add(self._hear, self._lanes.get(block.lane), block)

    def end(self) -> None:
        """Say that no block follows, so that what was heard is completed beside other work until `finish`."""
        if self._ended is None and not (self._recognizer is None and self._sounds is None):
            self._ended = self._thread.add(self._end)

    def finish(self) -> Heard:
        """Wait for the last block and return what was heard."""
        self.end()
        if self._ended is None:
            return Heard(SILENCE)
        self._thread.wait()
        return self._ended.result()

    def spoken(self, transcript: Transcript) -> AudioStream | None:
        """Return the stream in which somebody speaks if that is another one than the first.

        Args:
            transcript: The result of `finish`.
        """
        if transcript.utterances or transcript.speech_s >= _ENOUGH_SPEECH_S:
            return None
        spoken_s = {index: meter.speech_s for index, meter in self._meters.items()}
        heard = [stream for stream in self._streams[1:] if spoken_s.get(stream.index, 0.0) >= _MIN_SPEECH_S]
        candidates = [stream for stream in heard if not stream.secondary] or heard
        most_s = max((spoken_s[stream.index] for stream in candidates), default=0.0)
        # The first of them, unless another one has much more speech.
        return next((stream for stream in candidates if spoken_s[stream.index] >= most_s / 2), None)

    def _measure(self, meter: SpeechMeter, block: AudioBlock) -> None:
        if block.stream not in self.unneeded and np.abs(block.samples).max() >= _SILENCE_LEVEL:
            with self._clock.step("speech"):
                meter.add(block.samples)

    def _lane(self, recognizer: SpeechRecognizer) -> "_Lane":
        voices = self._voices() if self._voices else None
        return _Lane(recognizer.session(voices.add if voices else None), voices)

    def _hear(self, lane: "_Lane | None", block: AudioBlock) -> None:
        if lane:
            self._recognize(lane, block)
        if self._sounds:
            with self._clock.step("sounds"):
                self._sounds.add(block)

    def _recognize(self, lane: "_Lane", block: AudioBlock) -> None:
        with self._clock.step("speech"):
            lane.session.add(block)
        if not self.unneeded >= self._meters.keys() and lane.session.speech_s >= _ENOUGH_SPEECH_S:
            self.unneeded.update(self._meters)
        if lane.voices:
            with self._clock.step("speakers"):
                lane.voices.encode()

    def _end(self) -> Heard:
        for meter in self._meters.values():
            meter.finish()
        transcripts = {number: self._transcript(lane) for number, lane in self._lanes.items()}
        transcript = merge_lanes(transcripts) if transcripts else SILENCE
        if self._sounds is None:
            return Heard(transcript)
        with self._clock.step("sounds"):
            sounds = self._sounds.finish()
        return Heard(marked_as_sung(transcript, sounds), sounds)

    def _transcript(self, lane: "_Lane") -> Transcript:
        with self._clock.step("speech"):
            transcript = lane.session.finish()
        if not lane.voices:
            return transcript
        with self._clock.step("speakers"):
            return lane.voices.name(transcript)


@dataclass(frozen=True, slots=True)
class _Lane:
    """The mix of all channels, or a channel that is separated."""

    session: SpeechSession
    voices: VoiceSession | None
