"""Videos in the formats of other programs: subtitles, transcripts, chapters, edit lists and clips.

Names are loaded when they are first used: most commands need no decoder and no timeline format.
"""

from typing import TYPE_CHECKING

from schemas.lazy_names import lazy_names

if TYPE_CHECKING:
    from pipeline.export.clip import CLIP_ENDINGS, Clip, clip_ending, copy_clip
    from pipeline.export.cues import NOTE
    from pipeline.export.cuts import Cut, cuts_of
    from pipeline.export.formats import FORMATS, Format, Options, format_of
    from pipeline.export.locate import FoundFile, NoFile, first_usable, look_at_file, with_file, with_file_if_any
    from pipeline.export.lossless import LOSSLESS_ENDINGS, cut_audio
    from pipeline.export.names import check_terminal, printed_file, safe_stem, unique, whole_file
    from pipeline.export.outputs import check_text_output, refuse_original
    from pipeline.export.rates import parsed_rate
    from pipeline.export.reencode import encode_clip, exact_ending
    from pipeline.export.subtitles import webvtt, webvtt_of_lines
    from pipeline.export.tables import WRITERS, Writer, json_text, plain_value, write_csv
    from pipeline.export.text import one_line
    from pipeline.export.time_ranges import time_ranges_of

__all__ = [
    "CLIP_ENDINGS",
    "FORMATS",
    "LOSSLESS_ENDINGS",
    "NOTE",
    "WRITERS",
    "Clip",
    "Cut",
    "Format",
    "FoundFile",
    "NoFile",
    "Options",
    "Writer",
    "check_terminal",
    "check_text_output",
    "clip_ending",
    "copy_clip",
    "cut_audio",
    "cuts_of",
    "encode_clip",
    "exact_ending",
    "first_usable",
    "format_of",
    "json_text",
    "look_at_file",
    "one_line",
    "parsed_rate",
    "plain_value",
    "printed_file",
    "refuse_original",
    "safe_stem",
    "time_ranges_of",
    "unique",
    "webvtt",
    "webvtt_of_lines",
    "whole_file",
    "with_file",
    "with_file_if_any",
    "write_csv",
]

__getattr__ = lazy_names(
    __name__,
    {
        "clip": ("CLIP_ENDINGS", "Clip", "clip_ending", "copy_clip"),
        "cues": ("NOTE",),
        "cuts": ("Cut", "cuts_of"),
        "formats": ("FORMATS", "Format", "Options", "format_of"),
        "locate": ("FoundFile", "NoFile", "first_usable", "look_at_file", "with_file", "with_file_if_any"),
        "lossless": ("LOSSLESS_ENDINGS", "cut_audio"),
        "names": ("check_terminal", "printed_file", "safe_stem", "unique", "whole_file"),
        "outputs": ("check_text_output", "refuse_original"),
        "rates": ("parsed_rate",),
        "reencode": ("encode_clip", "exact_ending"),
        "subtitles": ("webvtt", "webvtt_of_lines"),
        "tables": ("WRITERS", "Writer", "json_text", "plain_value", "write_csv"),
        "text": ("one_line",),
        "time_ranges": ("time_ranges_of",),
    },
)
