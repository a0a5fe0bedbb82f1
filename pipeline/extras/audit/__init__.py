"""Audit a lake for fairness: are results worse for some groups of videos?"""

from pipeline.extras.audit.disparity import disparities
from pipeline.extras.audit.groups import groups_by_expression, groups_of_file
from pipeline.extras.audit.measures import MEASURES, measure_videos, word_error_rates

__all__ = [
    "MEASURES",
    "disparities",
    "groups_by_expression",
    "groups_of_file",
    "measure_videos",
    "word_error_rates",
]
