"""A measured number, with its method and reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table."""

    part: str
    name: str
    value: float
    unit: Literal["%", "", "words", "x"]
    cases: str
    """How many videos, words or queries it covers, and the numbers that belong to it."""
    method: str
    """How it is measured; the same words for every figure of one metric."""
    reference: str
    """The ground truth."""
    better: Literal["higher", "lower"]
    goal: float | None = None

    @property
    def metric(self) -> str:
        """The name up to its first comma: what the figures of one metric share."""
        return self.name.partition(", ")[0]

    @property
    def shown(self) -> str:
        """The value as text."""
        return {"%": f"{100 * self.value:.1f} %", "words": f"{self.value:.0f}", "x": f"{self.value:.2f} x"}.get(
            self.unit, f"{self.value:.3f}"
        )

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None if there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    @property
    def shown_goal(self) -> str:
        """The goal as text, with "missed" if it is missed; empty if there is none."""
        if self.goal is None:
            return ""
        sign = "≥" if self.better == "higher" else "≤"
        return f"{sign} {replace(self, value=self.goal).shown}" + ("" if self.reached else ", missed")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as columns of plain text."""
    lines = [f"{'part':<14}{'figure':<52}{'value':>10}  {'goal':<18}over"]
    lines += [f"{each.part:<14}{each.name:<52}{each.shown:>10}  {each.shown_goal:<18}{each.cases}" for each in figures]
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table, then the methods as a list, each method and reference once."""
    rows = [f"| {each.name} | {each.shown} | {each.shown_goal} | {each.cases} |" for each in figures]
    lines = ["| figure | value | goal | over |", "| --- | ---: | --- | --- |", *rows, "", *_methods(figures)]
    return "\n".join(lines) + "\n"


def _methods(figures: Sequence[Figure]) -> Iterator[str]:
    references: dict[str, dict[str, list[str]]] = {}
    for each in figures:
        metrics = references.setdefault(each.reference, {}).setdefault(each.method, [])
        if each.metric not in metrics:
            metrics.append(each.metric)
    for reference, methods in references.items():
        described = [f"**{', '.join(metrics)}**: {method}." for method, metrics in methods.items()]
        if len(described) == 1:
            yield f"- {described[0]} Reference: {reference}."
        else:
            yield f"- Reference: {reference}."
            yield from (f"  - {each}" for each in described)
