"""What people see of a lake: wording, facts, thumbnails, notebook pages, and the page that explains a moment."""

from pipeline.view.evidence import evidence_start_s
from pipeline.view.explanation import explanation_html, heat_overlay
from pipeline.view.facts import sound_lengths, video_facts
from pipeline.view.notebook import HitsPage, VideoPage, hits_page, lake_html, video_page
from pipeline.view.reader import LakeReader
from pipeline.view.templates import make_environment
from pipeline.view.thumbnails import Thumbnails
from pipeline.view.wording import counted, format_score, format_share, format_size, match_reason, percent

__all__ = [
    "HitsPage",
    "LakeReader",
    "Thumbnails",
    "VideoPage",
    "counted",
    "evidence_start_s",
    "explanation_html",
    "format_score",
    "format_share",
    "format_size",
    "heat_overlay",
    "hits_page",
    "lake_html",
    "make_environment",
    "match_reason",
    "percent",
    "sound_lengths",
    "video_facts",
    "video_page",
]
