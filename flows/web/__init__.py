"""The web pages of a lake: a grid of videos, search, a page with a player for each video, and reports.

Names are loaded when they are first used: the report of a run needs none of the pages that are served.
"""

from typing import TYPE_CHECKING

from schemas.lazy_names import lazy_names

if TYPE_CHECKING:
    from flows.web.app import make_app
    from flows.web.guard import Access, is_loopback
    from flows.web.report import lake_report, video_report

__all__ = ["Access", "is_loopback", "lake_report", "make_app", "video_report"]

__getattr__ = lazy_names(
    __name__,
    {
        "app": ("make_app",),
        "guard": ("Access", "is_loopback"),
        "report": ("lake_report", "video_report"),
    },
)
