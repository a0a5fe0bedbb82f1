from dataclasses import replace
from pathlib import Path

from benchmarks.figures.figure import Figure, markdown, table

FIGURE = Figure("retrieval", "MRR", 0.5, "", "10 queries", "by hand", "the script", "higher", 0.6)


def test_a_goal_that_is_missed_says_so() -> None:
    assert "missed" in table([FIGURE])
    assert "missed" in markdown([FIGURE])
    assert "missed" not in table([replace(FIGURE, value=0.6)])
    assert "missed" not in table([replace(FIGURE, better="lower")])
    assert "missed" not in table([replace(FIGURE, goal=None)])


def test_a_figure_always_comes_with_its_method_and_reference() -> None:
    assert all(part in markdown([FIGURE]) for part in ("0.500", "≥ 0.600", "10 queries", "by hand", "the script"))


def test_a_method_that_several_figures_share_is_written_once_below_the_table() -> None:
    figures = [FIGURE, replace(FIGURE, name="MRR, other queries"), replace(FIGURE, name="search", method="by rank")]
    rows, methods = markdown(figures).split("\n\n")
    assert [row.count("|") for row in rows.splitlines()] == [5, 5, 5, 5, 5]
    assert methods.splitlines() == ["- Reference: the script.", "  - **MRR**: by hand.", "  - **search**: by rank."]


def test_the_page_on_quality_has_the_table_that_the_benchmark_writes() -> None:
    header, rule = markdown([]).splitlines()[:2]
    page = (Path(__file__).parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")
    assert f"{header}\n{rule}\n| " in page
