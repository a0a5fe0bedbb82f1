"""How CTranslate2 is asked to decode: as many tokens as Whisper may say, and no more of them in a loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech.engines import MAX_TOKENS, Encoded, faster_whisper, log_mel, tokenizer_for
from pipeline.analysis.speech.engines.faster_whisper import FasterWhisperEngine
from pipeline.models import resolve
from tests.material import speak

RATE = 16_000


@pytest.fixture(scope="module")
def engine() -> FasterWhisperEngine:
    return FasterWhisperEngine(resolve("speech", "embedded:whisper-base"), compute_type="auto", device="cpu", threads=1)


@pytest.fixture(scope="module")
def numbers(engine: FasterWhisperEngine) -> Encoded:
    """A window in which somebody reads numbers: four tokens a second, 117 in 29 s."""
    sold = (
        f"On day {n} of the month we sold {3 * n + 7} apples, {n + 50} pears and {2 * n + 21} plums."
        for n in range(1, 8)
    )
    return engine.encode(log_mel([speak(" ".join(sold), "en-us", 230)[: 29 * RATE]], engine.n_mels))


@pytest.fixture(scope="module")
def two(engine: FasterWhisperEngine) -> Encoded:
    """Two windows in a context of 12 s: one of 24 tokens, and one of 3."""
    spoken = ["On day 1 of the month we sold 10 apples, 51 pears, 23 plums, 14 figs and 6 melons.", "Good morning."]
    return engine.encode(log_mel([speak(each) for each in spoken], engine.n_mels, samples=12 * RATE))


@pytest.mark.models
@pytest.mark.parametrize("beam_size", [1, 2])
def test_a_window_of_dense_speech_is_decoded_to_its_end(
    engine: FasterWhisperEngine, numbers: Encoded, beam_size: int
) -> None:
    found = engine.generate(numbers, "en", beam_size=beam_size, break_loops=False)[0]
    assert not found.truncated
    assert "On day 7 of the month we sold 28" in tokenizer_for(engine, "en").decode(list(found.tokens))


@pytest.mark.models
def test_greedy_decoding_in_steps_finds_what_it_finds_at_once(
    engine: FasterWhisperEngine, two: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = engine.generate(two, "en", beam_size=1, break_loops=False)
    # The first text has 24 tokens, and so ends where the first part does.
    monkeypatch.setattr(faster_whisper, "GREEDY_PARTS", MAX_TOKENS)
    assert len(at_once[0].tokens) == faster_whisper.REPEATED_TOKENS
    in_steps = engine.generate(two, "en", beam_size=1, break_loops=False)
    assert [each.tokens for each in in_steps] == [each.tokens for each in at_once]
    for step, once in zip(in_steps, at_once, strict=True):
        assert step.avg_logprob == pytest.approx(once.avg_logprob, abs=1e-3)
        assert step.no_speech_prob == pytest.approx(once.no_speech_prob, abs=1e-3)


@pytest.mark.models
def test_a_window_in_which_the_decoder_repeats_itself_is_stopped(
    engine: FasterWhisperEngine, two: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faster_whisper, "GREEDY_PARTS", MAX_TOKENS)
    monkeypatch.setattr(faster_whisper, "_repeats", lambda tokens: len(tokens) == 24)
    stopped, ended = engine.generate(two, "en", beam_size=1, break_loops=False)
    assert stopped.truncated
    assert len(stopped.tokens) == 24
    assert not ended.truncated


@given(
    st.lists(st.integers(0, 50_000), max_size=60),
    st.lists(st.integers(0, 50_000), min_size=1, max_size=faster_whisper.LONGEST_PERIOD),
)
def test_a_short_period_is_a_loop_whatever_comes_before(before: list[int], period: list[int]) -> None:
    times = -(-faster_whisper.REPEATED_TOKENS // len(period)) + 1
    assert faster_whisper._repeats([*before, *period * times])
    assert not faster_whisper._repeats([*period * times, *range(50_001, 50_010)])
