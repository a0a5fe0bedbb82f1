"""What people see of a lake: thumbnails, notebook pages, and the page that explains a moment."""

from pipeline.view.explanation import explanation_html, heat_overlay
from pipeline.view.notebook import HitsPage, VideoPage, hits_page, lake_html, video_page
from pipeline.view.reader import LakeReader
from pipeline.view.thumbnails import Thumbnails

__all__ = [
    "HitsPage",
    "LakeReader",
    "Thumbnails",
    "VideoPage",
    "explanation_html",
    "heat_overlay",
    "hits_page",
    "lake_html",
    "video_page",
]
