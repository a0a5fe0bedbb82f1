"""How windows are decoded: with beams only where greedy decoding is unsure."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.speech.engines import MAX_TOKENS, Decoded, Encoded, tokenizer_for
from pipeline.analysis.speech.transcription import Transcriber, _max_tokens
from pipeline.analysis.speech.windows import Window, WindowPlan
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ
from tests.nightly import examples

SURE, UNSURE = -0.1, -0.5


class Scored:
    """The seam: an engine whose windows are pairs of greedy log-probability and what beams find in them."""

    name, n_mels, multilingual, num_languages, runs_on = "scored", 80, True, 99, "cpu float32"

    def __init__(self) -> None:
        self.beams: list[tuple[int, int]] = []
        """Beams and windows of each call."""

    def select(self, encoded: Encoded, indices: Sequence[int]) -> Encoded:
        return Encoded([encoded.features[index] for index in indices], len(indices))

    def generate(
        self,
        encoded: Encoded,
        language: str,
        *,
        beam_size: int,
        break_loops: bool,
        task: str = "transcribe",
        max_tokens: int = 224,
    ) -> list[Decoded]:
        self.beams.append((beam_size, encoded.windows))
        if beam_size == 1:
            return [self.said(f" window {number}", logprob) for number, logprob, _ in encoded.features]
        return [self.said(text, SURE) for _, _, text in encoded.features]

    def said(self, text: str, logprob: float) -> Decoded:
        return Decoded(tuple(tokenizer_for(self, "en").encode(text)), logprob, 0.0)  # type: ignore[arg-type]


def decode(windows: Sequence[tuple[float, str]], **options: float) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the text of each window, and beams and windows of each call of the engine."""
    engine = Scored()
    encoded = Encoded([(number, *window) for number, window in enumerate(windows)], len(windows))
    transcriber = Transcriber(engine, SpeechConfig(**options))  # type: ignore[arg-type]
    tokenizer = tokenizer_for(engine, "en")  # type: ignore[arg-type]
    decoded = transcriber._generate(encoded, "en")
    return [tokenizer.decode(list(result.tokens)).strip() for result in decoded], engine.beams


def test_only_windows_that_greedy_decoding_is_unsure_of_are_decoded_with_beams() -> None:
    found, calls = decode([(SURE, " other"), (UNSURE, " better"), (SURE, " other")])
    assert found == ["window 0", "better", "window 2"]
    assert calls == [(1, 3), (5, 1)]


def test_beams_that_loop_are_not_believed() -> None:
    found, _ = decode([(UNSURE, " and again" * 60), (UNSURE, " better")])
    assert found == ["window 0", "better"]


def test_one_beam_is_greedy_decoding_and_a_limit_of_0_decodes_all_with_beams() -> None:
    windows = [(SURE, " first"), (UNSURE, " second")]
    assert decode(windows, beam_size=1) == (["window 0", "window 1"], [(1, 2)])
    assert decode(windows, min_greedy_logprob=0.0) == (["first", "second"], [(1, 2), (5, 2)])


@settings(max_examples=examples(20))
@given(st.lists(st.sampled_from([SURE, UNSURE]), min_size=1, max_size=8))
def test_results_keep_the_order_of_their_windows(logprobs: list[float]) -> None:
    found, _ = decode([(logprob, f" beams {number}") for number, logprob in enumerate(logprobs)])
    assert found == [f"{'window' if each == SURE else 'beams'} {number}" for number, each in enumerate(logprobs)]


@given(st.lists(st.floats(0.1, 30.0), min_size=1, max_size=4))
def test_the_limit_of_tokens_grows_with_the_longest_window(lengths_s: list[float]) -> None:
    windows = [
        Window(
            WindowPlan((), ((0, round(length_s * SAMPLE_RATE_HZ)),)),
            np.zeros(round(length_s * SAMPLE_RATE_HZ), np.float32),
        )
        for length_s in lengths_s
    ]
    limit = _max_tokens(windows)
    assert limit == _max_tokens([max(windows, key=lambda window: len(window.audio))])
    assert min(8 * max(lengths_s), MAX_TOKENS - 1) <= limit <= MAX_TOKENS
