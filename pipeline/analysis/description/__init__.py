"""Descriptions in words: what frames show for certain, titles on the screen, and composed captions."""

from pipeline.analysis.description.captions import caption_keyframes, caption_scene, compose_caption, is_slide
from pipeline.analysis.description.evidence import Confirmed, Sight, find_sights, sights_of, without_attire
from pipeline.analysis.description.heard import what_is_heard
from pipeline.analysis.description.phrases import capitalised, counted
from pipeline.analysis.description.screen_titles import (
    is_caption,
    legible_line,
    screen_title,
    with_accents,
    without_running_lines,
)
from pipeline.analysis.description.sights import (
    describe_test_pattern,
    footage,
    how_it_looks,
    what_is_shown,
    with_rhythm,
)
from pipeline.analysis.description.things import NAMES_OF_TEXT, family
from pipeline.analysis.description.title_cards import best_reading, is_title, video_title, with_usual_readings

__all__ = [
    "NAMES_OF_TEXT",
    "Confirmed",
    "Sight",
    "best_reading",
    "capitalised",
    "caption_keyframes",
    "caption_scene",
    "compose_caption",
    "counted",
    "describe_test_pattern",
    "family",
    "find_sights",
    "footage",
    "how_it_looks",
    "is_caption",
    "is_slide",
    "is_title",
    "legible_line",
    "screen_title",
    "sights_of",
    "video_title",
    "what_is_heard",
    "what_is_shown",
    "with_accents",
    "with_rhythm",
    "with_usual_readings",
    "without_attire",
    "without_running_lines",
]
