import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measures.recognition import character_error_rate, word_error_rate
from benchmarks.measures.retrieval import Span, difference_interval, first_hit, is_hit, retrieval
from benchmarks.measures.scores import accuracy_at, calibration_error, calibration_interval, chance_calibration_error
from benchmarks.measures.speakers import diarization_error
from benchmarks.measures.summaries import is_supported, rouge
from benchmarks.measures.times import boundary_errors, f1, matches
from pipeline.extras.sample.truth import Pictured, Spoken, Truth, Written

TRUTH = Truth(
    duration_s=20.0,
    language="en",
    cuts_s=(),
    slides_s=(),
    dissolves_s=(),
    spoken=(Spoken("The harvest failed in Brazil.", 1.0, 3.0), Spoken("It snows in the hills.", 15.0, 17.0)),
    written=(Written("Cost of living", 0.0, 10.0),),
    pictured=(Pictured("a cup of coffee", ("espresso",), 0.0, 10.0),),
)


def test_boundary_errors_are_those_computed_by_hand() -> None:
    # 20 s, one boundary at 10, window 5: 16 windows, of which 5 hold second 10, and 5 hold second 12.
    assert boundary_errors([0, 10], [0, 10], 20) == (0, 0)
    assert boundary_errors([0, 10], [0], 20) == (5 / 16, 5 / 16)
    assert boundary_errors([0, 10], [0, 12], 20) == (4 / 16, 4 / 16)
    # Pk does not see that there are two instead of one in a window; WindowDiff does.
    pk, window_diff = boundary_errors([0, 10], [0, 10, 12], 20)
    assert pk == 2 / 16
    assert window_diff == 5 / 16


@given(st.lists(st.floats(0, 100)), st.floats(5, 95))
def test_boundary_errors_are_shares(found: list[float], known: float) -> None:
    assert all(0 <= error <= 1 for error in boundary_errors([0, known], found, 100))


def test_a_found_time_answers_for_one_known_time_only() -> None:
    assert matches([1.0], [1.02, 1.04], 0.1) == 1
    assert matches([0.95, 1.05], [1.0, 1.1], 0.1) == 2
    assert matches([5.0], [1.0], 0.1) == 0


def test_f1_counts_what_is_missing_and_what_is_too_much() -> None:
    assert f1(right=3, found=4, known=5) == pytest.approx(2 / 3)
    assert f1(0, 0, 0) == 1


def test_a_hit_lies_at_least_half_in_the_truth() -> None:
    truth = [Span("a", 10, 20)]
    assert is_hit(Span("a", 15, 24), truth)
    assert not is_hit(Span("a", 16, 26), truth)
    assert not is_hit(Span("a", 0, 60), truth)
    assert not is_hit(Span("b", 10, 20), truth)
    assert is_hit(Span("a", 12, 12), truth)


def test_retrieval_figures_are_those_computed_by_hand() -> None:
    found = [Span("b", 10, 20), Span("a", 0, 5), Span("a", 11, 13)]
    assert first_hit(found, [Span("a", 10, 20)]) == 3
    assert first_hit(found, [Span("c", 10, 20)]) is None
    result = retrieval([1, 3, None, 10])
    assert (result.r1, result.r5, result.queries) == (0.25, 0.5, 4)
    assert result.mrr == pytest.approx((1 + 1 / 3 + 1 / 10) / 4)


def test_a_difference_is_sure_only_where_most_queries_agree() -> None:
    assert difference_interval([1] * 50, [2] * 50) == pytest.approx((0.5, 0.5))
    low, high = difference_interval([1, 2] * 25, [2, 1] * 25)
    assert low < 0 < high


def test_word_error_rate_forgives_spelling_but_not_words() -> None:
    assert word_error_rate(["It's colour number twenty-one."], ["it is color number 21"], "en") == 0
    assert word_error_rate(["one two three four"], ["one too three"], "en") > 0.2
    assert word_error_rate(["今天的天气很好。"], ["今天的天气很坏"], "zh") == pytest.approx(1 / 7)


def test_a_line_that_was_not_read_is_wholly_wrong() -> None:
    assert character_error_rate(["abcd", "efgh"], [["abcx", "zzzz"], []]) == pytest.approx(5 / 8)
    assert character_error_rate(["abcd"], [["something quite different"]]) == 1


def test_rouge_of_the_better_reference_counts() -> None:
    assert rouge(["Nothing alike.", "The cat sleeps."], "the cat sleeps") == (1, 1, 1)
    assert rouge(["a b c d"], "x y") == (0, 0, 0)


def test_evidence_supports_what_is_said_written_or_shown_there_and_nothing_else() -> None:
    assert is_supported("The harvest failed in Brazil.", [(1.0, 3.0)], TRUTH)
    assert is_supported("Probably an espresso.", [(5.0, 5.0)], TRUTH)
    assert is_supported("A picture with the text “Cost of living”.", [(5.0, 5.0)], TRUTH)
    assert not is_supported("The harvest failed in Brazil.", [(15.0, 17.0)], TRUTH)
    assert not is_supported("Nothing of this was said anywhere.", [(0.0, 20.0)], TRUTH)
    assert not is_supported("It snows in the hills.", [], TRUTH)


def test_accuracy_takes_any_right_name_among_the_first() -> None:
    names, right = [["music", "dance"], ["cars"], []], [frozenset({"dance"}), frozenset({"cars"}), frozenset({"art"})]
    assert accuracy_at(names, right, 1) == pytest.approx(1 / 3)
    assert accuracy_at(names, right, 2) == pytest.approx(2 / 3)


def test_scores_that_are_probabilities_have_no_calibration_error() -> None:
    assert calibration_error([0.75] * 4, [True, True, True, False], bins=1) == pytest.approx(0)
    assert calibration_error([1.0] * 4, [True, True, False, False]) == pytest.approx(0.5)
    assert calibration_error([0.95, 0.05], [True, True]) == pytest.approx((0.05 + 0.95) / 2)
    # Bins hold equally many cases: 0.8 and 0.9 are right as often as they say together, not apart.
    assert calibration_error([0.1, 0.1, 0.8, 0.9], [False, False, True, True], bins=2) == pytest.approx((0.2 + 0.3) / 4)
    assert calibration_error([], []) == 0


def test_a_calibration_error_comes_with_its_interval_and_with_what_chance_alone_gives() -> None:
    random = np.random.default_rng(1)
    scores = random.random(400)
    right = random.random(400) < scores
    low, high = calibration_interval(scores, right)
    assert low < calibration_error(scores, right) < high
    assert low < chance_calibration_error(scores) < high
    assert chance_calibration_error(scores[:40]) > 2 * chance_calibration_error(scores)
    assert calibration_error(scores**3, right) > 3 * chance_calibration_error(scores)


def test_speakers_may_have_other_names() -> None:
    known = [(0.0, 4.0, "host"), (4.0, 8.0, "guest")]
    assert diarization_error(known, [(0.0, 4.0, "B"), (4.0, 8.0, "A")], 10.0) == 0
    assert diarization_error(known, [(0.0, 8.0, "A")], 10.0) == pytest.approx(0.5, abs=0.01)
    assert diarization_error(known, [], 10.0) == 1
