from dataclasses import replace

from benchmarks.figures.figure import Figure, markdown, table

FIGURE = Figure("finding", "MRR", 0.5, "", "10 queries", "by hand", "the script", "higher", 0.6)


def test_a_goal_that_is_missed_says_so() -> None:
    assert "missed" in table([FIGURE])
    assert "missed" in markdown([FIGURE])
    assert "missed" not in table([replace(FIGURE, value=0.6)])
    assert "missed" not in table([replace(FIGURE, better="lower")])
    assert "missed" not in table([replace(FIGURE, goal=None)])


def test_a_figure_always_comes_with_its_method_and_reference() -> None:
    assert all(part in markdown([FIGURE]) for part in ("0.500", "≥ 0.600", "10 queries", "by hand", "the script"))
