"""Explain a search result: how much each modality, word and part of the frame adds to its similarity."""

from pipeline.extras.explain.moment import Explainer
from pipeline.view import explanation_html, heat_overlay

__all__ = ["Explainer", "explanation_html", "heat_overlay"]
