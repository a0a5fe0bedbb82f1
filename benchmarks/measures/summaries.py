"""Quality of summaries: ROUGE against references, and whether the evidence supports the sentences."""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline.extras.sample.truth import Truth

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

_KINDS = ("rouge1", "rouge2", "rougeL")
_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = """
a an the and or of in on at to is are was be it this that with from for by as you we they he she not no
text picture pictures shows show seems probably possibly
"""
_IGNORED = frozenset(_FUNCTION_WORDS.split())
_ENOUGH = 0.6
_COUNTED = re.compile(r", in \d+ of \d+ shots")
_NO_CLAIM = "nothing was recognised"


def rouge(references: Sequence[str], summary: str) -> tuple[float, float, float]:
    """Return F1 of ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004), with stemming, against the best of the references."""
    scores = _scorer().score_multi(list(references), summary)
    return tuple(float(scores[kind].fmeasure) for kind in _KINDS)  # type: ignore[return-value]


def is_supported(sentence: str, spans: Sequence[tuple[float, float]], truth: Truth, *, slack_s: float = 1.0) -> bool:
    """Tell whether the evidence of a sentence supports it.

    At least 60 % of its words, without function words, must be said, written or shown in the script within `slack_s` of
    the evidence.
    """
    words = {word for word in _words(_COUNTED.sub("", sentence)) if word not in _IGNORED}
    there: set[str] = set()
    for start_s, end_s in spans:
        for each in (*truth.spoken, *truth.written, *truth.pictured):
            if each.start_s < end_s + slack_s and each.end_s > start_s - slack_s:
                text = " ".join((each.subject, *each.labels)) if hasattr(each, "subject") else each.text
                there.update(_words(text))
    return bool(words) and len(words & there) / len(words) >= _ENOUGH


def claims(sentence: str) -> bool:
    """Tell whether a sentence makes a claim, rather than saying that nothing was recognised."""
    return _NO_CLAIM not in sentence


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


@cache
def _scorer() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(_KINDS), use_stemmer=True)
