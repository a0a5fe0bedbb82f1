"""Checks whether the speech and on-screen text of a video support a sentence that a model wrote."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.analysis.summary.abstract.numbers import numbers_in
from pipeline.language import function_words, words

Fault = Literal["", "number", "name", "negation", "contrast", "content", "entailment"]

_MOST, _HALF = 0.75, 0.5
_SIMILAR = 0.55
_CLAUSE = re.compile(r"[,;:()\u2013\u2014]\s+|\s(?:but|because|although|though|while|whereas|aber|weil|mais|pero)\s")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly|barely|\w+n['’]t"
    r"|nicht|kein\w*|nie|niemals|niemand|nichts|ohne|ne|pas|jamais|rien|aucune?|sans|nunca|nadie|nada|ningun\w*|sin)\b"
    r"|[不没没無无]",
    re.IGNORECASE,
)
_OPPOSITES = (
    ("increase", "decrease"), ("rise", "fall"), ("rose", "fell"), ("grow", "shrink"), ("more", "less"),
    ("more", "fewer"), ("most", "least"), ("before", "after"), ("high", "low"), ("highest", "lowest"),
    ("large", "small"), ("larger", "smaller"), ("largest", "smallest"), ("open", "closed"), ("opened", "closed"),
    ("win", "lose"), ("won", "lost"), ("first", "last"), ("north", "south"), ("east", "west"), ("left", "right"),
    ("hot", "cold"), ("warm", "cold"), ("warmer", "colder"), ("buy", "sell"), ("bought", "sold"), ("legal", "illegal"),
    ("possible", "impossible"), ("safe", "dangerous"), ("accept", "reject"), ("allow", "forbid"), ("deep", "shallow"),
    ("start", "end"), ("begin", "end"), ("fast", "slow"), ("young", "old"), ("new", "old"), ("rich", "poor"),
    ("good", "bad"), ("better", "worse"), ("best", "worst"), ("all", "some"), ("men", "women"), ("man", "woman"),
)  # fmt: skip
_REPORTING = frozenset(
    {
        "video", "speaker", "talk", "talks", "says", "said", "shows", "shown", "explains", "describes", "discusses",
    }
)  # fmt: skip
"""Words that summaries use for any video."""
_SUFFIXES = (
    "ations", "ation", "ings", "ing", "ions", "ion", "ments", "ment", "ness", "ies", "ied", "ers", "er", "est", "ed",
    "es", "ly", "s", "e", "y",
)  # fmt: skip
_CAPITAL_NOUNS = frozenset({"de", "lb"})
"""Languages that capitalise all nouns, so that a capital does not mark a name."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is supported, and if not, why."""

    supported: bool
    fault: Fault = ""
    detail: str = ""
    """The unsupported number, name or word."""


def check_support(sentence: str, evidence: Sequence[str], *, similarity: float, language: str | None = None) -> Verdict:
    """Check a sentence against its evidence.

    It is supported if all of this holds:

    1. Every number in it is in the evidence, in digits or (in English) in words.
    2. Every name in it is in the evidence. Every capitalised word, including the first, and every acronym is a name.
    3. It uses no word whose opposite, but not the word itself, is in the evidence. Opposites come from a list of common
       English pairs.
    4. It negates as the evidence does: among the clauses and sentences of the evidence that share most words with it,
       one has as many negations.
    5. The stems of at least three quarters of its content words are in the evidence; or of half of them, if the cosine
       of sentence and evidence is at least 0.55.

    The rules keep a paraphrase close to the words of the video: losing a true sentence is better than keeping a false
    one. They cannot tell who did what to whom if the words are the same. Use `summary.nli_model` for that.

    Args:
        sentence: What a model wrote.
        evidence: Speech and on-screen text.
        similarity: Cosine of the sentence and the nearest evidence.
        language: ISO 639-1; None if unknown.
    """
    said = " ".join(evidence)
    missing = numbers_in(sentence) - numbers_in(said)
    if missing:
        return Verdict(False, "number", f"{min(missing):g}")
    stems = {stem(word) for word in words(said, language)}
    unknown = next((name for name in _names(sentence, language) if stem(name) not in stems), "")
    if unknown:
        return Verdict(False, "name", unknown)
    reversed_word = _reversed_word(sentence, said, language)
    if reversed_word:
        return Verdict(False, "contrast", reversed_word)
    content = content_stems(sentence, language)
    covered = len(content & stems) / len(content) if content else 0.0
    if covered < _HALF or (covered < _MOST and similarity < _SIMILAR):
        return Verdict(False, "content", ", ".join(sorted(content - stems)[:3]))
    if not _same_negation(sentence, content, evidence, language):
        return Verdict(False, "negation")
    return Verdict(True)


def content_stems(text: str, language: str | None = None) -> frozenset[str]:
    """Return the stems of the content words: no function words, no numbers."""
    found = (word for word in _content_words(text, language) if not word.isdigit())
    return frozenset(stem(word) for word in found if len(word) > 2 or not word.isascii())


def _content_words(text: str, language: str | None) -> list[str]:
    ignored = function_words(language) | _REPORTING
    return [word for word in words(text, language) if word.lower() not in ignored]


def stem(word: str) -> str:
    """Return a word in lower case without its ending; crude, and meant for English."""
    lower = re.sub(r"['’]s?$", "", word.lower())
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and len(lower) - len(suffix) >= 3:
            return lower[: -len(suffix)]
    return lower


def _names(sentence: str, language: str | None) -> list[str]:
    """Return capitalised words and acronyms; the first word counts, because it may be a name."""
    found = [word for word in _content_words(sentence, language) if len(word) > 1]
    if language in _CAPITAL_NOUNS:
        return [word for word in found if word.isupper()]
    return [word for word in found if word[:1].isupper() and len(word) > 2]


def _reversed_word(sentence: str, said: str, language: str | None) -> str:
    """Return a word if the evidence has its opposite but not the word itself; empty if there is none."""
    used = {stem(word): word for word in words(sentence, language)}
    there = {stem(word) for word in words(said, language)}
    for one, other in _OPPOSITES:
        for word, opposite in ((stem(one), stem(other)), (stem(other), stem(one))):
            if word in used and word not in there and opposite in there:
                return used[word]
    return ""


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text))


def _same_negation(sentence: str, content: frozenset[str], evidence: Sequence[str], language: str | None) -> bool:
    """Tell whether one of the clauses that share most words with the sentence has as many negations.

    A sentence without negation may also match a clause without negation that shares one word less, because the clause
    may have a pronoun for that word.
    """
    clauses = [clause for text in evidence for clause in (text, *_CLAUSE.split(text))]
    shared = [len(content & content_stems(clause, language)) for clause in clauses]
    max_shared, negations = max(shared), _negations(sentence)
    return any(
        negations == _negations(clause) and (count == max_shared or (not negations and count >= max(2, max_shared - 1)))
        for clause, count in zip(clauses, shared, strict=True)
    )
