"""What is known of a film because we made it: the reference that benchmarks and tests measure against."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence that is said; the times are those of its first and last sound."""

    text: str
    start_s: float
    end_s: float
    speaker: str = ""
    """Name of who says it, where several speak."""


@dataclass(frozen=True, slots=True)
class Written:
    """A line of text that is on screen."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Pictured:
    """A thing that is on screen."""

    subject: str
    labels: tuple[str, ...]
    """Names that ImageNet has for it; any one of them is right. Empty where it has none."""
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything that can be found in a film. A change happens at the time of its first new frame."""

    duration_s: float
    language: str | None
    """ISO 639-1; None where nobody speaks."""
    cuts_s: tuple[float, ...]
    """Hard cuts between pictures that differ all over."""
    slides_s: tuple[float, ...]
    """Changes from one slide to another."""
    dissolves_s: tuple[tuple[float, float], ...]
    """Start and end of each gradual passage."""
    spoken: tuple[Spoken, ...]
    written: tuple[Written, ...]
    pictured: tuple[Pictured, ...]
    scenes_s: tuple[tuple[float, float], ...] = ()
    """Start and end of each scene of the script."""

    @property
    def transitions_s(self) -> tuple[float, ...]:
        """All times at which a shot begins, but for the first; a dissolve counts in its middle."""
        middles = ((start + end) / 2 for start, end in self.dissolves_s)
        return tuple(sorted((*self.cuts_s, *self.slides_s, *middles)))

    @property
    def transcript(self) -> str:
        """All that is said."""
        return " ".join(sentence.text for sentence in self.spoken)
