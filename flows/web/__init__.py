"""A lake as web pages: a grid of videos, search, each video with its player, and a report in one file."""

from flows.web.app import make_app
from flows.web.guard import Access, is_loopback
from flows.web.report import lake_report, video_report

__all__ = ["Access", "is_loopback", "lake_report", "make_app", "video_report"]
