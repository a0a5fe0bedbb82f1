"""The films that cases are made of: colours that change, seconds that are drawn, sentences that repeat."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.material.ffmpeg import ffmpeg
from pipeline.extras.sample.draw import Picture, write_text
from pipeline.extras.sample.make import Audio, write_audio, write_video
from pipeline.extras.sample.packages import package_file
from schemas.media import SAMPLE_RATE_HZ

SHOT_S = 4
PERIOD_S = 12
FIRST_GROUP_S = 1.0
GROUP = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
"""What is said every 12 s, from 1.0 s on."""
COLORS = ((200, 60, 40), (40, 90, 190), (225, 215, 190), (30, 130, 70), (20, 20, 30), (230, 150, 30))
"""Colour of each shot in turn."""


class Studio:
    """Makes each film and recording once.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def part(self, name: str) -> Path:
        """Return the path of a file that is only part of a case."""
        return self._folder / name

    def film(self, seconds: int = 24, fps: int = 25) -> Path:
        """Return a film in MP4: H.264 of 640 x 360 pixels, and AAC."""
        path = self.part(f"film-{seconds}-{fps}.mp4")
        if not path.exists():
            write_video(path, pictures(seconds, fps), fps=fps, audio=speech(seconds))
        return path

    def speech(self, seconds: int = 24) -> Path:
        """Return only the audio of a film, as WAV."""
        path = self.part(f"speech-{seconds}.wav")
        if not path.exists():
            write_audio(path, speech(seconds), codec="pcm_s16le")
        return path

    def noise_then_speech(self, seconds: int) -> Path:
        """Return a WAV of 12 s of loud noise, which takes many bits, and then speech in silence, which takes few."""
        path = self.part(f"noise-{seconds}.wav")
        if not path.exists():
            audio = speech(seconds)
            start = PERIOD_S * SAMPLE_RATE_HZ
            audio[:start] = np.random.default_rng(7).uniform(-0.5, 0.5, start)
            write_audio(path, audio, codec="pcm_s16le")
        return path

    def parts(self, ending: str, count: int, *options: object) -> list[Path]:
        """Return the film of 12 s a number of times, remuxed; its audio ends 1.5 s early.

        Args:
            ending: File name extension.
            count: How many.
            options: Of ffmpeg, for the output.
        """
        paths = []
        for number in range(count):
            path = self.part(f"part-{number}.{ending}")
            ffmpeg("-i", self.film(PERIOD_S), "-af", f"atrim=0:{PERIOD_S - 1.5}", *options, path)
            paths.append(path)
        return paths


def pictures(seconds: int, fps: int, size: tuple[int, int] = (640, 360)) -> Iterator[Picture]:
    """Yield the frames of a film: another colour every 4 s, and the second drawn on it."""
    width, height = size
    for second in range(seconds):
        plain = np.full((height, width, 3), COLORS[second // SHOT_S % len(COLORS)], np.uint8)
        plain[height // 10 : height // 3, width // 20 : width // 2] = 0
        at = (width * 11 // 40, height * 13 // 60)
        picture = write_text(plain, f"A {second:03d}", at, height // 6, (255, 255, 255), bold=True, anchor="mm")
        yield from [picture] * fps


def groups(seconds: float, start_s: float = 0.0) -> tuple[float, ...]:
    """Return when each group of sentences starts in a film of so many seconds that starts at `start_s`."""
    return tuple(start_s + FIRST_GROUP_S + at for at in range(0, int(seconds), PERIOD_S))


def cuts(seconds: int, start_s: float = 0.0) -> tuple[float, ...]:
    """Return the cuts of a film of so many seconds that starts at `start_s`."""
    return tuple(start_s + at for at in range(SHOT_S, seconds, SHOT_S))


def recording() -> Audio:
    """Return the group of sentences, read aloud: (n,) float32 at 16 kHz, mono."""
    import av

    path = package_file("moonshine-voice", "moonshine_voice/assets/beckett.wav")
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        frames = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(frames)


def speech(seconds: int) -> Audio:
    """Return the audio of a film."""
    audio = np.zeros(seconds * SAMPLE_RATE_HZ, np.float32)
    sentences = recording()
    for start_s in groups(seconds):
        start = round(start_s * SAMPLE_RATE_HZ)
        end = min(len(audio), start + len(sentences))
        audio[start:end] = sentences[: end - start]
    return audio
