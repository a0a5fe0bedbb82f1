"""A measured number with its method and reference."""

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
    """Number of cases."""
    method: str
    reference: str
    """The ground truth."""
    better: Literal["higher", "lower"]
    goal: float | None = None

    @property
    def shown(self) -> str:
        """The formatted value."""
        return {"%": f"{100 * self.value:.1f} %", "words": f"{self.value:.0f}", "x": f"{self.value:.2f} x"}.get(
            self.unit, f"{self.value:.3f}"
        )

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None if there is no goal."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    @property
    def shown_goal(self) -> str:
        """The formatted goal, and whether it is missed; empty if there is no goal."""
        if self.goal is None:
            return ""
        sign = "≥" if self.better == "higher" else "≤"
        return f"{sign} {replace(self, value=self.goal).shown}" + ("" if self.reached else ", missed")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as text in columns."""
    lines = [f"{'part':<14}{'figure':<52}{'value':>10}  {'goal':<18}cases"]
    lines += [f"{each.part:<14}{each.name:<52}{each.shown:>10}  {each.shown_goal:<18}{each.cases}" for each in figures]
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """Return the figures as a table in Markdown, with methods and references."""
    lines = ["| figure | value | goal | cases | method | reference |", "| --- | ---: | --- | --- | --- | --- |"]
    lines += [
        f"| {each.name} | {each.shown} | {each.shown_goal} | {each.cases} | {each.method} | {each.reference} |"
        for each in figures
    ]
    return "\n".join(lines) + "\n"
