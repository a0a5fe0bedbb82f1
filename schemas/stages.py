"""The stages of an analysis, each of which is redone only if something it depends on has changed."""

from collections.abc import Mapping
from typing import Literal

Stage = Literal["picture", "sound", "text", "understanding"]
"""A part of the analysis of a video that can be redone by itself."""

STAGES: tuple[Stage, ...] = ("picture", "sound", "text", "understanding")
"""All stages, each after those that it reads."""

READS: Mapping[Stage, tuple[Stage, ...]] = {
    "picture": (),
    "sound": (),
    "text": ("picture", "sound"),
    "understanding": ("picture", "sound", "text"),
}
"""The stages whose results a stage reads."""
