"""Text by the rules of its language: words, sentences, and joining, also where nobody writes spaces."""

from pipeline.language.joining import joined
from pipeline.language.marks import ABBREVIATION, CLAUSE_END, DENSE_SCRIPT, SENTENCE_END, UNSPACED, UNSPACED_LANGUAGES
from pipeline.language.sentence_segmentation import ends_sentence, sentences
from pipeline.language.times import (
    TIME,
    TimeRange,
    VideoTime,
    format_time,
    parse_time,
    parse_time_range,
    parse_video_time,
)
from pipeline.language.word_segmentation import word_count, word_spans, words

__all__ = [
    "ABBREVIATION",
    "CLAUSE_END",
    "DENSE_SCRIPT",
    "SENTENCE_END",
    "TIME",
    "UNSPACED",
    "UNSPACED_LANGUAGES",
    "TimeRange",
    "VideoTime",
    "ends_sentence",
    "format_time",
    "joined",
    "parse_time",
    "parse_time_range",
    "parse_video_time",
    "sentences",
    "word_count",
    "word_spans",
    "words",
]
