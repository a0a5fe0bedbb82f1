"""How windows are decoded: with beams only where greedy decoding is unsure."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.speech.engines import MAX_TOKENS, Alignment, Decoded, Encoded, tokenizer_for
from pipeline.analysis.speech.transcription import Transcriber, _max_tokens
from pipeline.analysis.speech.voice_activity import SpeechSegment
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


class Listening(Scored):
    """The seam: an engine that hears something else in a short context of each window than in a full one."""

    def __init__(self, short: Sequence[Decoded], full: str) -> None:
        super().__init__()
        self.short, self.full = short, full
        self.contexts_s: list[tuple[int, int]] = []
        """Windows and seconds of each call of the encoder."""

    def encode(self, mel: np.ndarray) -> Encoded:
        self.contexts_s.append((len(mel), mel.shape[2] // 100))
        return Encoded([(number, mel.shape[2] // 100) for number in range(len(mel))], len(mel))

    def generate(self, encoded: Encoded, language: str, **options: object) -> list[Decoded]:
        full = self.said(self.full, SURE)
        return [self.short[number] if seconds < 30 else full for number, seconds in encoded.features]

    def align(
        self, encoded: Encoded, language: str, tokens: Sequence[Sequence[int]], frames: Sequence[int], **_: object
    ) -> list[Alignment]:
        return [Alignment(np.linspace(0.2, 2.8, len(each) + 1), np.ones(len(each))) for each in tokens]


def heard(engine: Listening, *lengths_s: float, certainty: float = 0.6, **options: float) -> list[str]:
    """Return the words that the engine hears in windows of these lengths, one text for each."""
    windows, start = [], 0
    for length_s in lengths_s:
        end = start + round(length_s * SAMPLE_RATE_HZ)
        plan = WindowPlan((SpeechSegment(start, end, certainty),), ((start, end),))
        windows.append(Window(plan, np.zeros(end - start, np.float32)))
        start = end + 10 * SAMPLE_RATE_HZ
    transcriber = Transcriber(engine, SpeechConfig(**options))  # type: ignore[arg-type]
    words = transcriber._words(windows, transcriber.encode(windows), "en", halvings=0)
    return ["".join(word.text for word in each).strip() for each in words]


def short(text: str, logprob: float, no_speech_prob: float = 0.0) -> Decoded:
    return Decoded(tuple(tokenizer_for(Scored(), "en").encode(text)), logprob, no_speech_prob)  # type: ignore[arg-type]


def test_short_windows_that_the_decoder_is_sure_of_are_encoded_only_in_a_short_context() -> None:
    engine = Listening([short(" yes", SURE), short(" no", SURE)], " other")
    assert heard(engine, 3.0, 9.9) == ["yes", "no"]
    assert engine.contexts_s == [(2, 12)]


def test_short_windows_that_the_decoder_is_unsure_of_are_decoded_again_in_full_context() -> None:
    engine = Listening([short(" yes", SURE), short(" yo", UNSURE), short(" and again" * 60, SURE)], " no")
    assert heard(engine, 3.0, 3.0, 3.0) == ["yes", "no", "no"]
    assert engine.contexts_s == [(3, 12), (2, 30)]


def test_windows_with_a_longer_one_are_encoded_in_full_context() -> None:
    engine = Listening([], " all")
    assert heard(engine, 3.0, 10.1) == ["all", "all"]
    assert engine.contexts_s == [(2, 30)]


@pytest.mark.parametrize(
    ("no_speech_prob", "certainty", "words"), [(0.6, 0.6, ""), (0.6, 0.8, "yes"), (0.4, 0.6, "yes")]
)
def test_nobody_speaks_if_decoder_and_detector_both_doubt_it(
    no_speech_prob: float, certainty: float, words: str
) -> None:
    engine = Listening([short(" m" * 30, UNSURE, no_speech_prob)], " yes")
    assert heard(engine, 3.0, certainty=certainty) == [words]
    assert len(engine.contexts_s) == (2 if words else 1)


def test_a_setting_says_how_probable_silence_may_be() -> None:
    engine = Listening([short(" m" * 30, UNSURE, 0.8)], " yes")
    assert heard(engine, 3.0, max_no_speech_prob=1.0) == ["yes"]
