"""One measured number, with how it was measured and against what."""

from dataclasses import dataclass
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
