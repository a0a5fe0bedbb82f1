"""Estimates of the cost of a run, on invented ledgers."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.estimate import estimate_run
from pipeline.run.ledger import COSTS, PastRun, cost_of_step
from schemas.stages import STAGES, Stage

RATES = {"picture": 0.2, "sound": 0.1, "text": 0.01, "understanding": 0.02, "decode": 0.05, "other": 0.0}
OVERHEAD_S, PARALLELISM, LOAD_S = 20.0, 4.0, 8.0
ALL = dict.fromkeys(STAGES, 1.0)


def run(seconds: float, stages: dict[Stage, float] = ALL, *, slow: float = 1.0, **more: object) -> PastRun:
    """Make up a run that costs exactly what `RATES` say, or `slow` times as much."""
    video_s = {stage: seconds * share for stage, share in stages.items()}
    decoded = max(video_s.get("picture", 0.0), video_s.get("sound", 0.0))
    compute_s = {cost: slow * RATES[cost] * video_s.get(cost, 0.0) for cost in STAGES}  # type: ignore[call-overload]
    compute_s |= {"decode": slow * RATES["decode"] * decoded, "load": LOAD_S, "other": 0.0}
    return PastRun(video_s, compute_s, OVERHEAD_S + sum(compute_s.values()) / PARALLELISM, **more)  # type: ignore[arg-type]


seconds = st.floats(0.5, 1e6)
shares = st.fixed_dictionaries({stage: st.sampled_from([0.0, 0.5, 1.0]) for stage in STAGES})
costs = st.fixed_dictionaries({cost: st.floats(0, 1e6) for cost in COSTS})
ledgers = st.lists(
    st.builds(
        PastRun,
        st.fixed_dictionaries({stage: st.floats(0, 1e6) for stage in STAGES}),
        costs,
        st.floats(0, 1e6),
        st.booleans(),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["w", "x"]),
    ),
    max_size=6,
)


def test_a_lake_without_runs_gives_no_estimate() -> None:
    assert estimate_run({"sound": 10.0}, ()) is None


def test_a_stage_that_no_run_has_made_gives_no_estimate() -> None:
    past = [run(100, {"sound": 1.0})]
    assert estimate_run({"picture": 10.0}, past) is None
    assert estimate_run({"sound": 10.0}, past) is not None


@given(st.lists(st.tuples(seconds, shares), min_size=3, max_size=6), seconds)
def test_it_is_exact_on_a_constant_history_whatever_was_redone(
    history: list[tuple[float, dict[Stage, float]]], wanted_s: float
) -> None:
    past = [run(1000), run(3000), *(run(length, stages) for length, stages in history if any(stages.values()))]
    found = estimate_run(dict.fromkeys(STAGES, wanted_s), past)
    assert found is not None
    expected = run(wanted_s)
    assert found.compute_s == pytest.approx(expected.compute_s)
    assert found.wall_s == pytest.approx(expected.wall_s, rel=1e-3)
    assert found.compute_error == pytest.approx(1.0)


@given(ledgers, st.fixed_dictionaries({stage: st.floats(0, 1e6) for stage in STAGES}))
def test_nothing_is_negative_and_errors_are_factors(past: list[PastRun], video_s: dict[Stage, float]) -> None:
    found = estimate_run(video_s, past, revision="a", workers="w")
    if found is None:
        return
    assert min(found.compute_s.values()) >= 0
    assert found.wall_s >= 0
    assert all(error is None or 1 <= error < inf for error in (found.compute_error, found.wall_error))


@given(ledgers, st.fixed_dictionaries({stage: st.floats(1, 1e4) for stage in STAGES}), st.floats(1, 100))
def test_it_grows_with_the_seconds(past: list[PastRun], video_s: dict[Stage, float], times: float) -> None:
    one = estimate_run(video_s, past)
    more = estimate_run({stage: times * length for stage, length in video_s.items()}, past)
    assert (one is None) == (more is None)
    if one is None or more is None:
        return
    for cost in COSTS:
        scaled = one.compute_s[cost] * (1 if cost == "load" else times)
        assert more.compute_s[cost] == pytest.approx(scaled)
    assert more.wall_s >= one.wall_s * (1 - 1e-9)


@pytest.mark.parametrize("length", [5e-324, 2.2250738585e-313, 1e-9])
def test_a_run_that_made_next_to_nothing_tells_nothing(length: float) -> None:
    nothing = PastRun(dict.fromkeys(STAGES, length), dict.fromkeys(COSTS, 1.0), 1.0)
    short = PastRun(dict.fromkeys(STAGES, 10.0), dict.fromkeys(COSTS, length), 1.0)
    assert estimate_run(ALL, [nothing]) is None
    assert estimate_run(ALL, [short]) is None
    found, alone = estimate_run(ALL, [nothing, short, run(1000)]), estimate_run(ALL, [run(1000)])
    assert found is not None
    assert alone is not None
    assert found.compute_s == pytest.approx({**alone.compute_s, "load": found.compute_s["load"]})
    assert found.wall_s == pytest.approx(alone.wall_s, rel=0.1)


@given(st.integers(0, 4), st.sampled_from([0.01, 100.0]))
def test_one_odd_run_does_not_matter(place: int, slow: float) -> None:
    past = [run(length) for length in (1000, 2000, 3000, 4000, 5000)]
    past[place] = run(2500, slow=slow)
    found = estimate_run(dict.fromkeys(STAGES, 700.0), past)
    assert found is not None
    assert found.compute_s == pytest.approx(run(700).compute_s)
    assert found.wall_s == pytest.approx(run(700).wall_s)


def test_recent_runs_weigh_more() -> None:
    past = [run(1000, slow=3.0)] * 4 + [run(1000)] * 6
    found = estimate_run(dict.fromkeys(STAGES, 1000.0), past)
    assert found is not None
    assert found.compute_s["picture"] == pytest.approx(3.0 * RATES["picture"] * 1000)


def test_runs_with_the_same_settings_weigh_more_and_it_says_if_there_are_none() -> None:
    past = [run(1000, slow=5.0, revision="large")] * 3 + [run(1000, revision="base")] * 2
    base = estimate_run({"sound": 1000.0}, past, revision="base")
    assert base is not None
    assert base.same_settings
    assert base.compute_s["sound"] == pytest.approx(RATES["sound"] * 1000)
    other = estimate_run({"sound": 1000.0}, past, revision="tiny")
    assert other is not None
    assert not other.same_settings


def test_wall_time_is_that_of_runs_with_the_same_workers_and_of_those_that_ended() -> None:
    alone = PastRun(run(1000).video_s, run(1000).compute_s, 5000.0, workers="one")
    stopped = PastRun(run(1000).video_s, run(1000).compute_s, 9e6, complete=False, workers="many")
    past = [stopped, alone, run(1000, workers="many")]
    found = estimate_run(dict.fromkeys(STAGES, 1000.0), past, workers="many")
    assert found is not None
    assert found.wall_s == pytest.approx(run(1000).wall_s)


def test_the_error_is_that_of_runs_estimated_from_the_others() -> None:
    past = [run(1000, slow=slow) for slow in (1.0, 2.0, 1.0, 2.0)]
    found = estimate_run({"picture": 1.0}, past)
    assert found is not None
    assert found.compute_error is not None
    assert 1.5 < found.compute_error < 2.1
    one = estimate_run({"picture": 1.0}, past[:1])
    assert one is not None
    assert one.compute_error is None
    assert one.wall_error is None


def test_every_step_of_the_analysis_belongs_to_a_stage() -> None:
    import re
    from pathlib import Path

    import pipeline.analysis

    folder = Path(pipeline.analysis.__file__).parent
    source = "\n".join(path.read_text() for path in folder.rglob("*.py"))
    steps = set(re.findall(r"""\.(?:step|timed)\(\s*"([a-z_]+)\"""", source))
    assert {"decode", "speech", "vision", "summary"} <= steps
    assert {step: cost_of_step(step) for step in steps if cost_of_step(step) == "other"} == {}


def test_steps_of_the_text_stage_are_its_cost() -> None:
    import inspect
    import re

    from pipeline.analysis.video import texts

    steps = re.findall(r"""step\("([a-z]+)"\)""", inspect.getsource(texts))
    assert {step: cost_of_step(step) for step in steps} == {"text": "text", "coordinate": "text"}
