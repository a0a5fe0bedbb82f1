"""One measured number, with how it was measured and against what."""

from collections.abc import Sequence
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
    """Over how much it was measured."""
    method: str
    reference: str
    """What is taken for the truth."""
    better: Literal["higher", "lower"]
    goal: float | None = None

    @property
    def shown(self) -> str:
        """The value for people."""
        return {"%": f"{100 * self.value:.1f} %", "words": f"{self.value:.0f}", "x": f"{self.value:.2f} x"}.get(
            self.unit, f"{self.value:.3f}"
        )

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    @property
    def shown_goal(self) -> str:
        """The goal for people, and whether it is missed; empty where there is none."""
        if self.goal is None:
            return ""
        sign = "≥" if self.better == "higher" else "≤"
        return f"{sign} {replace(self, value=self.goal).shown}" + ("" if self.reached else ", missed")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of text, in columns."""
    lines = [f"{'part':<14}{'figure':<52}{'value':>10}  {'goal':<18}over"]
    lines += [f"{each.part:<14}{each.name:<52}{each.shown:>10}  {each.shown_goal:<18}{each.cases}" for each in figures]
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """Return the figures as a table in Markdown, with how each was measured."""
    lines = ["| figure | value | goal | over | how | against |", "| --- | ---: | --- | --- | --- | --- |"]
    lines += [
        f"| {each.name} | {each.shown} | {each.shown_goal} | {each.cases} | {each.method} | {each.reference} |"
        for each in figures
    ]
    return "\n".join(lines) + "\n"
