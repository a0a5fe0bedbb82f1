"""A program: read a request as JSON from standard input, and write the speech as 16-bit samples to standard output.

espeak-ng runs in its own process. It keeps state that changes how the next text sounds, and a fault in it ends the
process that it runs in.
"""

import ctypes
import importlib
import json
import sys

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


def main() -> None:
    """Speak one text; a message on standard error says why there is no speech."""
    request = json.load(sys.stdin)
    try:
        loader = importlib.import_module("espeakng_loader")
        library = ctypes.CDLL(loader.get_library_path())
    except (ImportError, OSError):
        sys.exit("The sample videos need espeak-ng, which is not installed. Run: pip install 'videolake[sample]'")
    rate_hz = library.espeak_Initialize(_RETRIEVAL, 0, str(loader.get_data_path()).encode(), 0)
    if rate_hz <= 0:
        sys.exit("espeak-ng does not start. Reinstall the package espeakng-loader.")
    pieces: list[bytes] = []

    def take(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _CHUNK(take)
    library.espeak_SetSynthCallback(callback)
    _choose_voice(library, request["voice"])
    for parameter, value in ((_RATE, request["rate_wpm"]), (_PITCH, request["pitch"]), (_RANGE, 55), (_WORD_GAP, 1)):
        library.espeak_SetParameter(parameter, value, 0)
    text = request["text"].encode()
    library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _CHARS_UTF8 | _END_PAUSE, None, None)
    library.espeak_Synchronize()
    sys.stdout.buffer.write(rate_hz.to_bytes(4, sys.byteorder) + b"".join(pieces))


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
    sys.exit(f"espeak-ng has no voice {voice!r}. Try `en-us`, `en-gb`, `de`, `fr` or `es`.")


if __name__ == "__main__":
    main()
