"""A case: how a file is made, and what is true about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.material.field.studio import Studio

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true about a file. What is None or empty is not checked."""

    error: str | None = None
    """Kind of the error with which the file must fail."""
    duration_s: float | None = None
    groups_s: tuple[float, ...] | None = None
    """When each group of sentences starts."""
    cuts_s: tuple[float, ...] | None = None
    drawn_s: float | None = None
    """The second that is drawn on the frames starts again at 0 after so long."""
    colors: Mapping[float, Color] = field(default_factory=dict)
    """Colour of the keyframe next to a time, in the middle of its right half."""
    sizes: Mapping[float, tuple[int, int]] = field(default_factory=dict)
    """Displayed size of the keyframe next to a time; only its aspect ratio counts."""
    written: Mapping[float, str] = field(default_factory=dict)
    """Text on the keyframe next to a time."""
    videos: Mapping[str, object] = field(default_factory=dict)
    """Values of columns of the row in `videos`."""
    words: Mapping[str, int] = field(default_factory=dict)
    """How many utterances contain a text."""
    languages: tuple[tuple[float, float, str], ...] = ()
    """Start, end and language of each stretch of speech."""
    warning: str | None = None
    """Part of a warning."""
    chapters: tuple[str, ...] = ()
    """Titles of the chapters that the file states."""


@dataclass(frozen=True, slots=True)
class Case:
    """A file of a kind that archives hold."""

    name: str
    """File name."""
    kind: str
    """What is special about it."""
    make: Callable[[Studio, Path], None]
    truth: Truth
    settings: tuple[str, ...] = ()
    """Settings to analyse it with, as `section.key=value`."""
