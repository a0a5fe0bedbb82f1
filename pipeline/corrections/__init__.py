"""Corrections of a lake: make, import, record, apply and list them."""

from pipeline.corrections.deriving import Deriver
from pipeline.corrections.edits import Edit, chapter_at, utterance_at
from pipeline.corrections.matching import Compared, compare
from pipeline.corrections.reading import CorrectedTranscript, Line, read_transcript
from pipeline.corrections.recording import (
    PARTS,
    History,
    Listed,
    Recorded,
    correct,
    correct_record,
    history,
    history_of,
    pending_videos,
    undo,
    undo_of,
)
from pipeline.corrections.voices import SameVoice, same_voice
from pipeline.corrections.wishes import edits_of

__all__ = [
    "PARTS",
    "Compared",
    "CorrectedTranscript",
    "Deriver",
    "Edit",
    "History",
    "Line",
    "Listed",
    "Recorded",
    "SameVoice",
    "chapter_at",
    "compare",
    "correct",
    "correct_record",
    "edits_of",
    "history",
    "history_of",
    "pending_videos",
    "read_transcript",
    "same_voice",
    "undo",
    "undo_of",
    "utterance_at",
]
