"""Cases whose words are easily lost: phases, silent tracks, many channels, two voices, two languages."""

import struct
from pathlib import Path

import numpy as np

from benchmarks.material.ffmpeg import ffmpeg
from benchmarks.material.field.case import Case, Truth
from benchmarks.material.field.studio import PERIOD_S, Studio, groups, recording, speech
from pipeline.extras.sample.make import Audio, write_audio
from pipeline.extras.sample.speech import speak
from schemas.media import SAMPLE_RATE_HZ

_SPOKEN = Truth(duration_s=24, groups_s=groups(24))
_PCM = bytes.fromhex("0100000000001000800000aa00389b71")
_QUESTIONS = ("Where did you learn to play the guitar?", "What did you do after the war was over?")
"""The speech model hears both when they are played alone."""
_ENGLISH = (
    "Good evening and welcome to our programme about the history of railways. The first steam engines were built for "
    "mines. Soon people wanted to travel with them, and engineers laid tracks between the cities."
)
_GERMAN = (
    "Guten Abend und herzlich willkommen zu unserer Sendung über die Geschichte der Eisenbahn. Die ersten Lokomotiven "
    "wurden für Bergwerke gebaut. Bald wollten auch die Menschen damit reisen, und man verlegte Schienen."
)
_IN_ENGLISH, _IN_GERMAN = ("en-us", _ENGLISH), ("de", _GERMAN)
_RAILWAYS = {"welcome to our": 2, "willkommen": 2, "Menschen": 2}
_TURNS = ((1.0, 15.7, "en"), (16.7, 30.9, "de"), (31.9, 46.5, "en"), (47.5, 61.8, "de"))


def _out_of_phase(studio: Studio, path: Path) -> None:
    ffmpeg("-i", studio.speech(), "-af", "pan=stereo|c0=c0|c1=-1*c0", path)


def _silent_default(studio: Studio, path: Path) -> None:
    ffmpeg("-i", studio.film(), "-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-map", "0:v", "-map", "1:a", "-map",
           "0:a", "-c:v", "copy", "-c:a", "aac", "-disposition:a:0", "default", "-disposition:a:1", "0", "-t", 24,
           "-metadata:s:a:1", "language=eng", path)  # fmt: skip


def _channels(count: int, spoken: int):
    """Write WAVE_FORMAT_EXTENSIBLE without a channel mask, as field recorders do."""

    def make(_studio: Studio, path: Path) -> None:
        samples = np.zeros((PERIOD_S * SAMPLE_RATE_HZ, count), np.int16)
        samples[:, spoken] = speech(PERIOD_S) * 32767
        rate = SAMPLE_RATE_HZ
        form = struct.pack("<HHIIHHHHI16s", 0xFFFE, count, rate, 2 * rate * count, 2 * count, 16, 22, 16, 0, _PCM)
        body = samples.tobytes()
        path.write_bytes(
            struct.pack("<4sI4s4sI", b"RIFF", 36 + len(form) + len(body), b"WAVE", b"fmt ", len(form))
            + form
            + struct.pack("<4sI", b"data", len(body))
            + body
        )

    return make


def _mono(*options: object):
    def make(studio: Studio, path: Path) -> None:
        ffmpeg("-i", studio.speech(), *options, path)

    return make


def _interview(_studio: Studio, path: Path) -> None:
    answer = recording()
    pieces: list[tuple[int, Audio]] = []
    for question in _QUESTIONS:
        pieces += [(0, speak(question, "en-gb")), (1, answer)]
    total = sum(len(piece) for _, piece in pieces) + SAMPLE_RATE_HZ
    audio = np.zeros((2, total), np.float32)
    start = SAMPLE_RATE_HZ // 2
    for channel, piece in pieces:
        # The next voice starts before this one has ended.
        end = min(total, start + len(piece))
        audio[channel, start:end] = piece[: end - start]
        start = end - SAMPLE_RATE_HZ // 2
    write_audio(path, audio, codec="pcm_s16le")


def _in_turn(*said: tuple[str, str]):
    """Speak texts, each after a second of silence: voice and text."""

    def make(_studio: Studio, path: Path) -> None:
        pause = np.zeros(SAMPLE_RATE_HZ, np.float32)
        pieces = [piece for voice, text in said for piece in (pause, speak(text, voice))]
        write_audio(path, np.concatenate(pieces), codec="flac")

    return make


CASES = (
    Case("out_of_phase.wav", "stereo that cancels when it is mixed", _out_of_phase, _SPOKEN),
    Case("silent_default.mkv", "the default track is silent, the second has speech", _silent_default,
         Truth(duration_s=24, groups_s=groups(24), warning="track")),
    *(
        Case(f"poly_{count}.wav", f"{count} channels without a layout, speech on channel {spoken + 1}",
             _channels(count, spoken), Truth(duration_s=PERIOD_S, groups_s=groups(PERIOD_S)))
        for count, spoken in ((2, 1), (3, 2), (4, 3), (6, 3), (8, 3), (10, 3), (24, 20), (60, 17))
    ),
    Case("left_only.mp3", "speech on the left channel only", _mono("-af", "pan=stereo|c0=c0", "-c:a", "libmp3lame"),
         _SPOKEN),
    Case("surround.m4a", "5.1 with speech in the centre", _mono("-af", "pan=5.1|FC=c0", "-c:a", "aac"), _SPOKEN),
    Case("8_bit.wav", "8-bit samples at 11,025 Hz", _mono("-c:a", "pcm_u8", "-ar", "11025"), _SPOKEN),
    Case("float_96k.wav", "64-bit floating point at 96 kHz", _mono("-c:a", "pcm_f64le", "-ar", "96000"), _SPOKEN),
    Case("telephone.wav", "A-law at 8 kHz", _mono("-c:a", "pcm_alaw", "-ar", "8000"), _SPOKEN),
    Case("interview.wav", "an interview with a voice on each channel, which overlap", _interview,
         Truth(words={"guitar": 1, "the war": 1, "fail better": 2}, videos={"speakers": 2})),
    Case("two_languages.flac", "English, then German", _in_turn(_IN_ENGLISH, _IN_ENGLISH, _IN_GERMAN, _IN_GERMAN),
         Truth(words=_RAILWAYS, languages=((1.0, 31.3, "en"), (32.3, 61.8, "de")))),
    Case("alternating.flac", "English and German in turn", _in_turn(_IN_ENGLISH, _IN_GERMAN, _IN_ENGLISH, _IN_GERMAN),
         Truth(words=_RAILWAYS, languages=_TURNS)),
)  # fmt: skip
