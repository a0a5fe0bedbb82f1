"""Whether what a model wrote is supported by what was said and shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.analysis.summary.abstract.numbers import numbers_in
from pipeline.language import function_words, words

Fault = Literal["", "number", "name", "negation", "contrast", "content", "entailment"]

_MAX_OF_IT, _HALF = 0.75, 0.5
_ALIKE = 0.55
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
"""What summaries say of any video."""
_SUFFIXES = (
    "ations", "ation", "ings", "ing", "ions", "ion", "ments", "ment", "ness", "ies", "ied", "ers", "er", "est", "ed",
    "es", "ly", "s", "e", "y",
)  # fmt: skip
_CAPITAL_NOUNS = frozenset({"de", "lb"})
"""Languages that write all nouns with a capital, so that a capital tells no names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is supported, and if not, by what it fails."""

    supported: bool
    fault: Fault = ""
    about: str = ""
    """The number, name or word that is at fault."""


def check_support(sentence: str, evidence: Sequence[str], *, similarity: float, language: str | None = None) -> Verdict:
    """Check a sentence against the texts that it should rest on.

    It is supported if all of this holds:

    1. Every number in it is in the evidence, with digits or (in English) in words.
    2. Every name in it, that is, every capitalised word (also the first) and every acronym, is in the evidence.
    3. It uses no word of which only the opposite is in the evidence, from a list of common pairs (English).
    4. It denies as the evidence does: of the clauses and sentences of the evidence that share most words with it, one
       has as many negations.
    5. At least three quarters of its content words are in the evidence, by their stems; or half of them, where a text
       encoder finds the sentence near to the evidence (cosine of at least 0.55).

    The rules hold a paraphrase to the words of the video: better that a true sentence is lost than that a false one is
    kept. What they cannot see is who did what to whom, where the same words are used: that takes `summary.nli_model`.

    Args:
        sentence: What a model wrote.
        evidence: What was said or written on the screen.
        similarity: Cosine of the sentence and the nearest of the evidence.
        language: ISO 639-1, where it is known.
    """
    said = " ".join(evidence)
    missing = numbers_in(sentence) - numbers_in(said)
    if missing:
        return Verdict(False, "number", f"{min(missing):g}")
    stems = {stem(word) for word in words(said, language)}
    unknown = next((name for name in _names(sentence, language) if stem(name) not in stems), "")
    if unknown:
        return Verdict(False, "name", unknown)
    turned = _turned(sentence, said, language)
    if turned:
        return Verdict(False, "contrast", turned)
    content = content_stems(sentence, language)
    covered = len(content & stems) / len(content) if content else 0.0
    if covered < _HALF or (covered < _MAX_OF_IT and similarity < _ALIKE):
        return Verdict(False, "content", ", ".join(sorted(content - stems)[:3]))
    if not _denies_alike(sentence, content, evidence, language):
        return Verdict(False, "negation")
    return Verdict(True)


def content_stems(text: str, language: str | None = None) -> frozenset[str]:
    """Return the stems of the words that carry the meaning: no function words, no numbers."""
    found = (word for word in _telling(text, language) if not word.isdigit())
    return frozenset(stem(word) for word in found if len(word) > 2 or not word.isascii())


def _telling(text: str, language: str | None) -> list[str]:
    passed_over = function_words(language) | _REPORTING
    return [word for word in words(text, language) if word.lower() not in passed_over]


def stem(word: str) -> str:
    """Return a word without its ending, lower case; crude, and meant for English."""
    lower = re.sub(r"['’]s?$", "", word.lower())
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and len(lower) - len(suffix) >= 3:
            return lower[: -len(suffix)]
    return lower


def _names(sentence: str, language: str | None) -> list[str]:
    """Return capitalised words and acronyms; the first word counts, as nobody can tell whether it is a name."""
    found = [word for word in _telling(sentence, language) if len(word) > 1]
    if language in _CAPITAL_NOUNS:
        return [word for word in found if word.isupper()]
    return [word for word in found if word[:1].isupper() and len(word) > 2]


def _turned(sentence: str, said: str, language: str | None) -> str:
    """Return a word of which the evidence has the opposite alone; empty where there is none."""
    used = {stem(word): word for word in words(sentence, language)}
    there = {stem(word) for word in words(said, language)}
    for one, other in _OPPOSITES:
        for word, opposite in ((stem(one), stem(other)), (stem(other), stem(one))):
            if word in used and word not in there and opposite in there:
                return used[word]
    return ""


def _denials(text: str) -> int:
    return len(_NEGATION.findall(text))


def _denies_alike(sentence: str, content: frozenset[str], evidence: Sequence[str], language: str | None) -> bool:
    """Tell whether one of the clauses that share most words with the sentence has as many negations.

    A sentence that denies nothing may also rest on a clause that denies nothing and has one word less: the pronoun that
    stands for it there.
    """
    clauses = [clause for text in evidence for clause in (text, *_CLAUSE.split(text))]
    shared = [len(content & content_stems(clause, language)) for clause in clauses]
    most, denials = max(shared), _denials(sentence)
    return any(
        denials == _denials(clause) and (count == most or (not denials and count >= max(2, most - 1)))
        for clause, count in zip(clauses, shared, strict=True)
    )
