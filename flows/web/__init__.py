"""The web pages of a lake: a grid of videos, search, a page with a player for each video, and reports."""

from flows.web.app import make_app
from flows.web.guard import Access, is_loopback
from flows.web.report import lake_report, video_report

__all__ = ["Access", "is_loopback", "lake_report", "make_app", "video_report"]
