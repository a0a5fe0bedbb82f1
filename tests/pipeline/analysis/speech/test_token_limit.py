"""The limit of tokens: a window whose last token fits is complete, in either engine."""

from typing import Literal

import pytest

from pipeline.analysis.speech.engines import load_engine, log_mel
from pipeline.models import resolve
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ
from tests.material import speak


@pytest.mark.models
@pytest.mark.parametrize("engine", ["faster-whisper", "openai-whisper"])
def test_only_a_window_with_more_to_say_is_truncated(engine: Literal["faster-whisper", "openai-whisper"]) -> None:
    info = resolve("speech", "embedded:whisper-base")
    loaded = load_engine(SpeechConfig(engine=engine), info, device="cpu", threads=1)
    spoken = speak("Please do not touch the paintings in the museum.")
    encoded = loaded.encode(log_mel([spoken], loaded.n_mels, samples=12 * SAMPLE_RATE_HZ))

    def found(beam_size: int, max_tokens: int) -> tuple[tuple[int, ...], bool]:
        [window] = loaded.generate(encoded, "en", beam_size=beam_size, break_loops=False, max_tokens=max_tokens)
        return window.tokens, window.truncated

    whole, _ = found(1, 50)
    assert 8 <= len(whole) < 20
    for beam_size in (1, 2):
        assert found(beam_size, len(whole) + 1) == (whole, False)
        assert found(beam_size, len(whole) - 1)[1]
