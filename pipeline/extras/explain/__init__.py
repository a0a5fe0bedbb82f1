"""Explain an answer: which modality, which words and which part of the picture make a moment like a query."""

from pipeline.extras.explain.moment import Explainer
from pipeline.view import explanation_html, heat_overlay

__all__ = ["Explainer", "explanation_html", "heat_overlay"]
