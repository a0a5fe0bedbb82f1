"""Speech synthesis by espeak-ng, from the package `espeakng-loader`.

espeak-ng is GPL-3. It is only loaded to make sample videos and test material, never to analyse a video.
"""

import _ctypes
import ctypes
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.extras.sample.packages import SampleError
from schemas.media import SAMPLE_RATE_HZ

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: the callback gets the samples before espeak_Synth or Synchronize returns
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_RATE, _PITCH, _RANGE, _WORD_GAP = 1, 3, 4, 7  # espeak_PARAMETER
_CHUNK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Voice(ctypes.Structure):
    """espeak_VOICE."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("languages", ctypes.c_char_p), ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte), ("age", ctypes.c_ubyte), ("variant", ctypes.c_ubyte), ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int), ("spare", ctypes.c_void_p),
    )  # fmt: skip


_LOCK = threading.Lock()
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
    # The library has one voice and one callback per process.
    with _LOCK, _synthesizer() as (library, rate_hz):
        pieces: list[NDArray[np.int16]] = []

        def take(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
            if samples and count > 0:
                pieces.append(np.ctypeslib.as_array(samples, shape=(count,)).astype(np.int16, copy=True))
            return 0

        callback = _CHUNK(take)
        library.espeak_SetSynthCallback(callback)
        _choose_voice(library, voice)
        for parameter, value in ((_RATE, rate_wpm), (_PITCH, pitch), (_RANGE, 55), (_WORD_GAP, 1)):
            library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _CHARS_UTF8 | _END_PAUSE, None, None)
        library.espeak_Synchronize()
    if not pieces:
        return np.zeros(0, np.float32)
    return _normalised(np.concatenate(pieces), rate_hz)


def _choose_voice(library: ctypes.CDLL, voice: str) -> None:
    """Select a voice by name or language, with an optional variant after a plus sign."""
    language, _, variant = voice.partition("+")
    if library.espeak_SetVoiceByName(voice.encode()) == 0:
        return
    wanted = _Voice(languages=language.encode())
    if library.espeak_SetVoiceByProperties(ctypes.byref(wanted)) == 0:
        library.espeak_GetCurrentVoice.restype = ctypes.POINTER(_Voice)
        current = library.espeak_GetCurrentVoice().contents.identifier.decode()
        name = f"{current}+{variant}" if variant else current
        if library.espeak_SetVoiceByName(name.encode()) == 0:
            return
    raise SampleError(f"espeak-ng has no voice {voice!r}. Try `en-us`, `en-gb`, `de`, `fr` or `es`.")


@contextmanager
def _synthesizer() -> Iterator[tuple[ctypes.CDLL, int]]:
    """Load and start the synthesizer, and yield it and its sample rate.

    It is unloaded afterwards, because only loading resets the state that changes how voices sound.
    """
    try:
        loader = importlib.import_module("espeakng_loader")
        library = ctypes.CDLL(loader.get_library_path())
    except (ImportError, OSError) as error:
        raise SampleError(
            "The sample videos need espeak-ng, which is not installed. Run: pip install 'videolake[sample]'"
        ) from error
    rate_hz = library.espeak_Initialize(_RETRIEVAL, 0, str(loader.get_data_path()).encode(), 0)
    if rate_hz <= 0:
        raise SampleError("espeak-ng does not start. Reinstall the package espeakng-loader.")
    try:
        yield library, int(rate_hz)
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)


def _normalised(samples: NDArray[np.int16], rate_hz: int) -> NDArray[np.float32]:
    """Resample to 16 kHz and scale the loudest sample to a fixed level."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    parts = [part.to_ndarray()[0] for source in (frame, None) for part in resampler.resample(source)]
    audio = np.concatenate(parts).astype(np.float32)
    peak = float(np.abs(audio).max())
    return audio * np.float32(_PEAK / peak) if peak > 0 else audio
