"""What a video means: modalities fused over time, scenes, captions, chapters, and a summary that shows its evidence."""

from pipeline.understanding.captions import caption_keyframes, compose_caption
from pipeline.understanding.joint import fuse_scenes
from pipeline.understanding.scenes import build_scenes
from pipeline.understanding.spans import TextSpan, screen_spans, written_text
from pipeline.understanding.subjects import find_subjects
from pipeline.understanding.summary import summarize
from pipeline.understanding.units import speech_spans

__all__ = [
    "TextSpan",
    "build_scenes",
    "caption_keyframes",
    "compose_caption",
    "find_subjects",
    "fuse_scenes",
    "screen_spans",
    "speech_spans",
    "summarize",
    "written_text",
]
