"""Fitness: how well a spoken sentence stands alone, without its context."""

import re

import numpy as np

from pipeline.language import ends_sentence, word_count

_DEPENDENT = re.compile(
    r"^(?:(?:and|but|so|or|then|well|also|because)\b[\s,]*)?"
    r"(?:it|its|he|she|they|them|his|her|their|these|those|that|this|there|such|each of (?:them|these|those)"
    r"|er|sie|es|il|elle|ils|elles|ce|cela|él|ella|ellos|ellas|esto|eso)\b(?!\s+(?:is|was|are|were)\s+(?:a|an|the)\b)",
    re.IGNORECASE,
)
"""Begins with a word that refers back, except `this is the …`, which introduces its own subject."""
_CONJUNCTION = re.compile(r"^(?:and|but|so|or|then|well|also|because|und|aber|et|mais|y|pero)\b", re.IGNORECASE)
_COURTESY = re.compile(
    r"\b(?:thank you|thanks for|good (?:morning|afternoon|evening)|welcome (?:back|to)|subscribe|see you|bye"
    r"|your questions|any questions|hello|hi everyone|gracias|buenos días|merci|bonjour|vielen dank"
    r"|guten (?:tag|morgen))\b"
    r"|谢谢|大家好|再见",
    re.IGNORECASE,
)


def fitness(text: str, language: str | None = None, *, doubtful: bool = False, avg_logprob: float = 0.0) -> float:
    """Score a sentence for a summary: of medium length, complete, well recognised and understandable alone.

    The word lists cover English best, and a little German, French, Spanish and Chinese. They have no effect on other
    languages.

    Args:
        text: The sentence.
        language: ISO 639-1; None if unknown.
        doubtful: Whether its speech was flagged.
        avg_logprob: Mean log-probability of its tokens, by the speech recogniser.

    Returns:
        0 to 1.
    """
    words = word_count(text, language)
    length = np.clip((words - 2) / 6, 0.05, 1.0) * np.clip(45 / max(words, 1), 0.4, 1.0)
    whole = 1.0 if ends_sentence(text) else 0.7
    question = 0.6 if text.rstrip().endswith(("?", "？")) else 1.0
    alone = 0.6 if _DEPENDENT.match(text) else 0.85 if _CONJUNCTION.match(text) else 1.0
    content = 0.3 if _COURTESY.search(text) and words <= 14 else 1.0
    heard = np.clip((np.exp(avg_logprob) - 0.5) / 0.3, 0.3, 1.0)
    return float(length * whole * question * alone * content * heard * (0.2 if doubtful else 1.0))
