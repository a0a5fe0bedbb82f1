"""Speech synthesis by espeak-ng, from the package `espeakng-loader`.

espeak-ng is GPL-3. It only makes sample videos and test material, in a process of its own, and never analyses a video.
"""

import json
import subprocess
import sys
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.extras.sample.packages import SampleError
from schemas.media import SAMPLE_RATE_HZ

_PROGRAM = Path(__file__).with_name("espeak.py")
_ATTEMPTS = 3
_PEAK = 0.6


def speak(text: str, voice: str = "en-us", rate_wpm: int = 150, *, pitch: int = 45) -> NDArray[np.float32]:
    """Synthesise a text.

    Args:
        text: The text; punctuation makes pauses.
        voice: espeak-ng voice, e.g. `en-us`, `en-gb`, `de`, `fr`, `es`, `cmn`, with a variant as in `en-us+f3`.
        rate_wpm: Words per minute.
        pitch: 0 to 100.

    Returns:
        (n,) float32 in [-1, 1] at 16 kHz, mono. A text always sounds the same, whatever was spoken before. Only breathy
        voices, such as `+f3`, vary a little, because espeak-ng then reads uninitialised memory.

    Raises:
        SampleError: espeak-ng is not installed, or has no such voice.
    """
    return _speak(text, voice, rate_wpm, pitch).copy()


@lru_cache(maxsize=256)
def _speak(text: str, voice: str, rate_wpm: int, pitch: int) -> NDArray[np.float32]:
    request = json.dumps({"text": text, "voice": voice, "rate_wpm": rate_wpm, "pitch": pitch}).encode()
    for _ in range(_ATTEMPTS):
        done = subprocess.run([sys.executable, "-I", str(_PROGRAM)], input=request, capture_output=True, check=False)  # noqa: S603
        if done.returncode == 0:
            rate_hz, samples = int.from_bytes(done.stdout[:4], sys.byteorder), np.frombuffer(done.stdout[4:], np.int16)
            return _normalised(samples, rate_hz) if len(samples) else np.zeros(0, np.float32)
        if done.returncode > 0:
            break
    raise SampleError(done.stderr.decode(errors="replace").strip() or f"espeak-ng ended with {done.returncode}.")


def _normalised(samples: NDArray[np.int16], rate_hz: int) -> NDArray[np.float32]:
    """Resample to 16 kHz and scale the loudest sample to a fixed level."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    parts = [part.to_ndarray()[0] for source in (frame, None) for part in resampler.resample(source)]
    audio = np.concatenate(parts).astype(np.float32)
    peak = float(np.abs(audio).max())
    return audio * np.float32(_PEAK / peak) if peak > 0 else audio
