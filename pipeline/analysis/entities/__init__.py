"""Names: people, places, organisations, dates and works in what is said, written and subtitled."""

from pipeline.analysis.entities.finding import find_entities
from pipeline.analysis.entities.known_names import KnownNames
from pipeline.analysis.entities.recognizer import EntityRecognizer
from pipeline.analysis.entities.respelling import heard, respelled
from pipeline.analysis.entities.written_names import screen_names

__all__ = ["EntityRecognizer", "KnownNames", "find_entities", "heard", "respelled", "screen_names"]
