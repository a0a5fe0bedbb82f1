"""The known content of a video that we made: the reference for benchmarks and tests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoken:
    """A spoken sentence; the times are those of its first and last sound."""

    text: str
    start_s: float
    end_s: float
    speaker: str = ""
    """Name of the speaker, if there are several."""


@dataclass(frozen=True, slots=True)
class Written:
    """A line of on-screen text."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Pictured:
    """An object on screen."""

    subject: str
    labels: tuple[str, ...]
    """ImageNet's names for it, any of which is correct; empty if there are none."""
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything that can be found in a video. The time of a change is that of its first new frame."""

    duration_s: float
    language: str | None
    """ISO 639-1; None if there is no speech."""
    cuts_s: tuple[float, ...]
    """Hard cuts between different images."""
    slides_s: tuple[float, ...]
    """Changes between slides."""
    dissolves_s: tuple[tuple[float, float], ...]
    """Start and end of each dissolve."""
    spoken: tuple[Spoken, ...]
    written: tuple[Written, ...]
    pictured: tuple[Pictured, ...]
    scenes_s: tuple[tuple[float, float], ...] = ()
    """Start and end of each scene of the script."""

    @property
    def transitions_s(self) -> tuple[float, ...]:
        """Start of every shot except the first; a dissolve counts in its middle."""
        middles = ((start + end) / 2 for start, end in self.dissolves_s)
        return tuple(sorted((*self.cuts_s, *self.slides_s, *middles)))

    @property
    def transcript(self) -> str:
        """The whole narration."""
        return " ".join(sentence.text for sentence in self.spoken)
