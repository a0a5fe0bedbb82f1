"""Scenes: shots grouped by speech, on-screen text and images, with topics, keyphrases and fused vectors."""

from pipeline.analysis.scenes.content import Dimensions, SceneContent, VideoContent
from pipeline.analysis.scenes.joint import fuse_scenes
from pipeline.analysis.scenes.keyphrases import Tagger
from pipeline.analysis.scenes.scenes import aggregate_labels, build_scenes, find_scenes
from pipeline.analysis.scenes.selection import centrality, choose_diverse, lexrank
from pipeline.analysis.scenes.spans import TextSpan, screen_spans, screen_texts, shown_from, shown_spans, written_text
from pipeline.analysis.scenes.subjects import Subject, Subjects, find_subjects
from pipeline.analysis.scenes.titles import TITLE_LENGTH, phrase_title, sentence_title
from pipeline.analysis.scenes.topics import TopicSpaces
from pipeline.analysis.scenes.units import DOUBTFUL_WEIGHT, centred, speech_spans

__all__ = [
    "DOUBTFUL_WEIGHT",
    "TITLE_LENGTH",
    "Dimensions",
    "SceneContent",
    "Subject",
    "Subjects",
    "Tagger",
    "TextSpan",
    "TopicSpaces",
    "VideoContent",
    "aggregate_labels",
    "build_scenes",
    "centrality",
    "centred",
    "choose_diverse",
    "find_scenes",
    "find_subjects",
    "fuse_scenes",
    "lexrank",
    "phrase_title",
    "screen_spans",
    "screen_texts",
    "sentence_title",
    "shown_from",
    "shown_spans",
    "speech_spans",
    "written_text",
]
