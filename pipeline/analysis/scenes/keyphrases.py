"""Keyphrases: the spoken or written phrases that best describe a scene or a video (KeyBERT, Grootendorst 2020).

Candidates are runs of one to three words between stop words and punctuation, as in RAKE (Rose et al. 2010). They are
ranked by the cosine of their vector to that of the whole text, and selected by maximal marginal relevance.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.scenes.selection import choose_diverse
from pipeline.language import DENSE_SCRIPT, ELISIONS, stop_words_of, word_count, word_spans, words
from schemas.records import Label

_MAX_WORDS, _MAX_NAME_WORDS = 3, 5
_MAX_LENGTH = 60
_MIN_SCORE = 0.2
_JOINS = frozenset({"", "-", " ", "\u00a0", "\u2011"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to take keyphrases from, with its language."""

    text: str
    language: str | None


def candidates(passages: Sequence[Passage], max_count: int) -> list[str]:
    """Return candidates for keyphrases, frequent phrases and phrases of two or three words first.

    Args:
        passages: Speech and on-screen text.
        max_count: Maximum number of phrases.

    Returns:
        Distinct phrases, ignoring case, in their most frequent spelling.
    """
    counts: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {}
    for passage in passages:
        for phrase in _phrases(passage):
            key = phrase.casefold()
            counts[key] += 1
            forms.setdefault(key, Counter())[phrase] += 1
    # The sort is stable, so equal phrases stay in order of time.
    ranked = sorted(counts, key=lambda key: -_promise(key, counts[key]))[:max_count]
    return [forms[key].most_common(1)[0][0] for key in ranked]


def choose_keyphrases(
    phrases: Sequence[str],
    vectors: Mapping[str, NDArray[np.float32]],
    target: NDArray[np.float32],
    *,
    count: int,
    diversity: float,
) -> tuple[Label, ...]:
    """Choose the phrases nearest to a text that do not repeat each other.

    Args:
        phrases: Candidates.
        vectors: Unit vector of each candidate.
        target: (d,) unit vector of the text; zeros give no phrases.
        count: Maximum number of phrases.
        diversity: From 0, the nearest phrases, to 1, the most different ones.

    Returns:
        Phrases with their cosines, the best first. The words of one are never all in another.
    """
    if not phrases or not np.any(target) or count <= 0:
        return ()
    stacked = np.stack([vectors[phrase] for phrase in phrases])
    scores = np.clip((stacked @ target).astype(np.float64), 0.0, 1.0)
    scores[scores < _MIN_SCORE] = 0.0
    chosen: list[Label] = []
    for index in choose_diverse(stacked, scores, 4 * count, diversity):
        phrase = phrases[index]
        if len(chosen) < count and not any(_nested(phrase, other.label) for other in chosen):
            chosen.append(Label(phrase, round(float(scores[index]), 4)))
    return tuple(sorted(chosen, key=lambda label: -label.score))


def _promise(key: str, count: int) -> float:
    length = max(1, word_count(key))
    return float(np.log1p(count)) * (1.0, 1.4, 1.2)[min(length, _MAX_WORDS) - 1]


def _nested(one: str, other: str) -> bool:
    first, second = set(words(one.casefold())), set(words(other.casefold()))
    return first <= second or second <= first


def _phrases(passage: Passage) -> Iterator[str]:
    """Yield every run of one to three content words, and of up to five capitalised words, which may be a name."""
    for line in passage.text.splitlines():
        for run in _runs(line, passage.language):
            for first in range(len(run)):
                named = 0
                for last in range(first, min(first + _MAX_NAME_WORDS, len(run))):
                    named += line[run[last][0]].isupper()
                    phrase = line[run[first][0] : run[last][1]]
                    short = last - first < _MAX_WORDS or named == last - first + 1
                    if short and len(phrase) <= _MAX_LENGTH and _has_letters(phrase):
                        yield phrase


def _runs(line: str, language: str | None) -> Iterator[list[tuple[int, int]]]:
    """Yield runs of words without a stop word or punctuation between them."""
    ignored = stop_words_of(language)
    run: list[tuple[int, int]] = []
    for start, end in word_spans(line, language):
        begin = start + _elided(line[start:end], language)
        stop = _is_stop_word(line[begin:end].casefold().replace("’", "'"), ignored)
        apart = bool(run) and (line[run[-1][1] : start] not in _JOINS or begin > start)
        if run and (stop or apart):
            yield run
            run = []
        if not stop:
            run.append((begin, end))
    if run:
        yield run


def _elided(word: str, language: str | None) -> int:
    """Return the length of an elided article, as in `l'océan`."""
    short = len(word) > 3 and word[0].lower() in ELISIONS.get(language or "", "") and word[1] in "'’"
    return 2 if short else 0


def _is_stop_word(word: str, ignored: frozenset[str]) -> bool:
    return word in ignored or word.removesuffix("'s") in ignored


def _has_letters(phrase: str) -> bool:
    """Tell whether a phrase has enough letters: two in Chinese, Japanese and Korean, otherwise three."""
    letters = sum(character.isalpha() for character in phrase)
    return letters >= (2 if DENSE_SCRIPT.search(phrase) else 3)
