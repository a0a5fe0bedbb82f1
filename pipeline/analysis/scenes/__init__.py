"""Scenes: shots grouped by speech, on-screen text and images, with captions, topics, keyphrases and fused vectors."""

from pipeline.analysis.scenes.captions import caption_keyframes, compose_caption
from pipeline.analysis.scenes.content import Dimensions, SceneContent, VideoContent
from pipeline.analysis.scenes.joint import fuse_scenes
from pipeline.analysis.scenes.object_labels import FEW_SHOTS, ObjectLabel, find_object_labels
from pipeline.analysis.scenes.scenes import aggregate_labels, build_scenes, find_scenes
from pipeline.analysis.scenes.selection import centrality, choose_diverse, lexrank
from pipeline.analysis.scenes.spans import TextSpan, screen_spans, screen_texts, shown_from, written_text
from pipeline.analysis.scenes.subjects import Subject, Subjects, find_subjects
from pipeline.analysis.scenes.titles import (
    TITLE_HEIGHT,
    TITLE_LENGTH,
    is_caption,
    phrase_title,
    screen_title,
    sentence_title,
    with_accents,
)
from pipeline.analysis.scenes.topics import TopicSpaces
from pipeline.analysis.scenes.units import DOUBTFUL_WEIGHT, centred, speech_spans

__all__ = [
    "DOUBTFUL_WEIGHT",
    "FEW_SHOTS",
    "TITLE_HEIGHT",
    "TITLE_LENGTH",
    "Dimensions",
    "ObjectLabel",
    "SceneContent",
    "Subject",
    "Subjects",
    "TextSpan",
    "TopicSpaces",
    "VideoContent",
    "aggregate_labels",
    "build_scenes",
    "caption_keyframes",
    "centrality",
    "centred",
    "choose_diverse",
    "compose_caption",
    "find_object_labels",
    "find_scenes",
    "find_subjects",
    "fuse_scenes",
    "is_caption",
    "lexrank",
    "phrase_title",
    "screen_spans",
    "screen_texts",
    "screen_title",
    "sentence_title",
    "shown_from",
    "speech_spans",
    "with_accents",
    "written_text",
]
