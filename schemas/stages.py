"""The stages of an analysis, each of which can be redone by itself."""

from collections.abc import Mapping
from typing import Literal

Stage = Literal["picture", "sound", "text", "understanding"]
"""A part of the analysis of a video with settings, models and a revision of its own."""

STAGES: tuple[Stage, ...] = ("picture", "sound", "text", "understanding")
"""All stages, in the order in which they run."""

READS: Mapping[Stage, tuple[Stage, ...]] = {
    "picture": (),
    "sound": (),
    "text": ("picture", "sound"),
    "understanding": ("picture", "sound", "text"),
}
"""The stages whose results a stage reads. If they are redone, so is the stage."""
