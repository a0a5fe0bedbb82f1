"""Degraded films: noise, dark, blur, small frames, strong compression, missing or damaged parts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.extras.sample.draw import Picture
from pipeline.extras.sample.make import Audio, write_video
from schemas.media import SAMPLE_RATE_HZ

AudioHarm = Callable[[Audio, np.random.Generator], Audio | None]
PictureHarm = Callable[[Picture, np.random.Generator], Picture]


@dataclass(frozen=True, slots=True)
class Harm:
    """One way of degrading a film."""

    about: str
    sound: AudioHarm = lambda sound, _rng: sound
    picture: PictureHarm = lambda picture, _rng: picture
    options: Mapping[str, str] | None = None
    """Options of the encoder."""
    damaged: float = 0.0
    """Share of the file that is overwritten, in its middle."""


def _noise(snr_db: float) -> AudioHarm:
    def harm(sound: Audio, rng: np.random.Generator) -> Audio:
        power = float(np.mean(sound[np.abs(sound) > 0.01] ** 2))
        noise = rng.normal(0, np.sqrt(power / 10 ** (snr_db / 10)), len(sound)).astype(np.float32)
        return np.clip(sound + noise, -1, 1)

    return harm


def _telephone(sound: Audio, _rng: np.random.Generator) -> Audio:
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def _echo(sound: Audio, rng: np.random.Generator) -> Audio:
    """Add a room with a reverberation time of 0.6 s (exponential decay of noise, Polack 1988)."""
    length = int(0.6 * SAMPLE_RATE_HZ)
    tail = rng.normal(0, 1, length) * 10 ** (-3 * np.arange(length) / length)
    tail[0] = 12.0
    size = len(sound) + length
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)]
    return (0.6 * wet / max(1e-9, float(np.abs(wet).max()))).astype(np.float32)


def _blurred(picture: Picture, _rng: np.random.Generator) -> Picture:
    return cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 200)


def _dark(picture: Picture, _rng: np.random.Generator) -> Picture:
    return (picture * 0.15).astype(np.uint8)


def _grainy(picture: Picture, rng: np.random.Generator) -> Picture:
    return np.clip(picture + rng.normal(0, 25, picture.shape), 0, 255).astype(np.uint8)


def _tiny(picture: Picture, _rng: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    return cv2.resize(picture, (160, max(2, 160 * height // width // 2 * 2)), interpolation=cv2.INTER_AREA)


HARMS: Mapping[str, Harm] = {
    "unchanged": Harm("re-encoded, like all others"),
    "noise, 20 dB": Harm("white noise with 1 % of the power of the speech", sound=_noise(20)),
    "noise, 10 dB": Harm("white noise with 10 % of the power", sound=_noise(10)),
    "noise, 0 dB": Harm("white noise as loud as the speech", sound=_noise(0)),
    "telephone": Harm("only 300 to 3400 Hz", sound=_telephone),
    "echo": Harm("a room with 0.6 s of reverberation", sound=_echo),
    "quiet": Harm("1/30 of the amplitude", sound=lambda sound, _rng: sound / 30),
    "blur": Harm("Gaussian, 0.5 % of the width", picture=_blurred),
    "dark": Harm("15 % of the light", picture=_dark),
    "grain": Harm("Gaussian noise of 25 out of 255", picture=_grainy),
    "small": Harm("160 pixels wide", picture=_tiny),
    "compressed": Harm("x264 at CRF 45", options={"crf": "45", "preset": "veryfast"}),
    "no audio": Harm("no audio track", sound=lambda _sound, _rng: None),
    "no video": Harm("black frames", picture=lambda picture, _rng: np.zeros_like(picture)),
    "damaged": Harm("2 % of the bytes in the middle overwritten", damaged=0.02),
}


def harmed(film: Path, harm: Harm, target: Path) -> Path:
    """Degrade a film, reproducibly.

    Args:
        film: With audio, and frames of one size.
        harm: The kind of degradation.
        target: An `.mp4` file; kept if it exists.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    sound = harm.sound(_sound(film), rng)
    with av.open(str(film)) as container:
        fps = container.streams.video[0].average_rate
    frames = (harm.picture(picture, rng) for picture in _frames(film))
    write_video(target, frames, fps=fps, audio=sound, options=harm.options)
    if harm.damaged:
        content = bytearray(target.read_bytes())
        start, count = len(content) // 2, int(len(content) * harm.damaged)
        content[start : start + count] = rng.bytes(count)
        target.write_bytes(content)
    return target


def _frames(film: Path) -> Iterator[Picture]:
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def _sound(film: Path) -> Audio:
    with av.open(str(film)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        pieces = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(pieces)
