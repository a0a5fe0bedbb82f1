"""Titles from sentences and from keyphrases."""

import re
from collections.abc import Sequence

from pipeline.language import clean, ends_sentence, shortened, word_count, words

TITLE_LENGTH = 60
"""Maximum number of characters."""
_FILLER = re.compile(
    r"^(?:(?:and|so|but|now|well|okay|ok|right|um+|uh+|er+|yeah|yes|no|oh|also|then|because|or|again|in short)"
    r"\b[\s,.]*)+",
    re.IGNORECASE,
)
_PRESENTS = re.compile(
    r"^(?:(?:this|that|it|here|there) (?:is|was|are|were)"
    r"|(?:today |now )?(?:we|i) (?:want to |will |are going to |'?ll )?"
    r"(?:talk|speak|look|learn|hear)(?:ing)? (?:about|at|of))\s+",
    re.IGNORECASE,
)
_BREAK = re.compile(
    r"\s(?=(?:in|at|on|for|with|by|from|that|which|who|where|when|while|because|and|but|as|than|if|so)\s)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:\u2013\u2014\uff0c\uff1b\uff1a]\s*")
_OPEN_END = re.compile(
    r"\b(?:is|are|was|were|be|been|the|a|an|of|to|not|and|or|very|more|has|have|had)$", re.IGNORECASE
)


def sentence_title(text: str, *, length: int = TITLE_LENGTH) -> str:
    """Make a title from a sentence: drop filler words at its start, and never cut it inside a phrase.

    Args:
        text: The sentence; an incomplete sentence gives no title.
        length: Maximum number of characters.

    Returns:
        The sentence if it is short enough, else its first clause that is, else its beginning up to a preposition or
        conjunction (English); else empty.
    """
    if not ends_sentence(text):
        return ""
    core = _FILLER.sub("", clean(text)).rstrip(".。!！… ")
    topic = _PRESENTS.sub("", core)
    core = topic if word_count(topic) >= 3 else core
    if len(core) > length:
        clauses = (clause.strip() for clause in _CLAUSE.split(core))
        beginnings = (core[: found.start()] for found in reversed(list(_BREAK.finditer(core))))
        parts = (*clauses, *(part for part in beginnings if not _OPEN_END.search(part)))
        core = next((part for part in parts if len(part) <= length and word_count(part) >= 5), "")
    return core[:1].upper() + core[1:] if word_count(core) >= 2 else ""


def phrase_title(phrases: Sequence[str]) -> str:
    """Make a title from the best keyphrase; to a single word, add the next phrase that shares no word with it.

    Args:
        phrases: The best first.
    """
    if not phrases:
        return ""
    first = clean(phrases[0])
    known = set(words(first.lower()))
    others = (clean(phrase) for phrase in phrases[1:])
    second = next((phrase for phrase in others if not known & set(words(phrase.lower()))), "")
    both = word_count(first) == 1 and 1 <= word_count(second) <= 2
    title = f"{first}, {second}" if both and len(first) + len(second) + 2 <= TITLE_LENGTH else first
    return shortened(title[:1].upper() + title[1:], TITLE_LENGTH)
