"""Language rules: words, sentences, stop words, scripts and times, including languages written without spaces."""

from pipeline.language.codes import language_code
from pipeline.language.joining import joined
from pipeline.language.marks import ABBREVIATION, CLAUSE_END, SENTENCE_END
from pipeline.language.noun_phrases import Role, capitalised_within, head_first, word_roles
from pipeline.language.ordinary_words import is_ordinary
from pipeline.language.scripts import (
    DENSE_SCRIPT,
    UNSEPARATED_LETTERS,
    UNSPACED,
    UNSPACED_LANGUAGES,
    UNSPACED_LETTERS,
    WIDE_LANGUAGES,
)
from pipeline.language.sentence_segmentation import ends_sentence, sentences
from pipeline.language.shortening import clean, shortened
from pipeline.language.stop_words import ELISIONS, english_homographs, function_words, query_stop_words, stop_words_of
from pipeline.language.times import (
    TIME,
    TimeRange,
    VideoTime,
    format_duration,
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
    "ELISIONS",
    "SENTENCE_END",
    "TIME",
    "UNSEPARATED_LETTERS",
    "UNSPACED",
    "UNSPACED_LANGUAGES",
    "UNSPACED_LETTERS",
    "WIDE_LANGUAGES",
    "Role",
    "TimeRange",
    "VideoTime",
    "capitalised_within",
    "clean",
    "ends_sentence",
    "english_homographs",
    "format_duration",
    "format_time",
    "function_words",
    "head_first",
    "is_ordinary",
    "joined",
    "language_code",
    "parse_time",
    "parse_time_range",
    "parse_video_time",
    "query_stop_words",
    "sentences",
    "shortened",
    "stop_words_of",
    "word_count",
    "word_roles",
    "word_spans",
    "words",
]
