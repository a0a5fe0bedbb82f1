"""Keyphrases: the spoken or written phrases that best describe a scene or a video (KeyBERT, Grootendorst 2020).

Candidates are runs of one to three words between stop words and punctuation, as in RAKE (Rose et al. 2010), that may be
noun phrases: by the tags of a model in English, by simple rules in some other languages (`pipeline.language`). They are
ranked by the cosine of their vector to that of the whole text, and selected by maximal marginal relevance.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.scenes.selection import choose_diverse
from pipeline.language import (
    DENSE_SCRIPT,
    ELISIONS,
    Role,
    capitalised_within,
    head_first,
    stop_words_of,
    word_count,
    word_roles,
    word_spans,
    words,
)
from schemas.records import Label

_MAX_WORDS, _MAX_NAME_WORDS = 3, 5
_MAX_LENGTH = 60
_MIN_SCORE = 0.2
ENGLISH = "en"
_JOINS = frozenset({"", "-", " ", "\u00a0", "\u2011"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to take keyphrases from, with its language."""

    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a run: where it is in its line, and its role."""

    start: int
    end: int
    role: Role


Tagger = Callable[[Sequence[str]], list[list[tuple[int, Role]]]]
"""Returns for each English text where each of its tokens ends, and its role."""


def phrases_in(passages: Sequence[Passage], tagger: Tagger | None = None) -> list[list[str]]:
    """Return the phrases of each passage that can be noun phrases, in order.

    Args:
        passages: Speech and on-screen text.
        tagger: Reads the English ones; None: rules do.
    """
    lines = [[(line, passage.language) for line in passage.text.splitlines()] for passage in passages]
    english = dict.fromkeys(line for own in lines for line, language in own if (language or ENGLISH) == ENGLISH)
    tags = dict(zip(english, tagger(list(english)), strict=True)) if tagger else {}
    german = {line for own in lines for line, language in own if language == "de"}
    nouns = frozenset(word for line in german for word in capitalised_within(line, word_spans(line, "de")))
    return [
        [phrase for line, language in own for phrase in _phrases(line, language, tags.get(line), nouns)]
        for own in lines
    ]


def candidates(phrases: Iterable[str], max_count: int) -> list[str]:
    """Return candidates for keyphrases, frequent phrases and phrases of two or three words first.

    Args:
        phrases: All phrases of a text, in order.
        max_count: Maximum number of candidates.

    Returns:
        Distinct phrases, ignoring case, in their most frequent spelling.
    """
    counts: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {}
    for phrase in phrases:
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


def _phrases(
    line: str, language: str | None, tags: Sequence[tuple[int, Role]] | None, nouns: frozenset[str]
) -> Iterator[str]:
    """Yield every run of one to three words, and of up to five capitalised words, which can be a noun phrase."""
    spans = word_spans(line, language)
    roles = word_roles(line, spans, language, nouns) if tags is None else _tagged(spans, tags)
    first_is_head = head_first(language)
    for run in _runs(line, language, spans, roles):
        for first in range(len(run)):
            named = 0
            for last in range(first, min(first + _MAX_NAME_WORDS, len(run))):
                named += line[run[last].start].isupper()
                phrase = line[run[first].start : run[last].end]
                short = last - first < _MAX_WORDS or named == last - first + 1
                whole = first_is_head is None or (first == 0 if first_is_head else _is_whole(line, run, first, last))
                if short and whole and len(phrase) <= _MAX_LENGTH and _has_letters(phrase):
                    yield phrase


def _is_whole(line: str, run: Sequence[_Word], first: int, last: int) -> bool:
    """Return whether words are a noun phrase: the last is a noun, none follows, and no number before is cut off."""
    ends = run[last].role == "noun" and (last + 1 == len(run) or run[last + 1].role != "noun")
    return ends and not (first and line[run[first - 1].start].isdigit())


def _tagged(spans: Sequence[tuple[int, int]], tags: Sequence[tuple[int, Role]]) -> list[Role]:
    """Return the role of each word: that of its last token, as in `gold-coated`."""
    roles: list[Role] = []
    for _, end in spans:
        ends = [role for token_end, role in tags if token_end <= end]
        roles.append(ends[-1] if ends else "other")
    return roles


def _runs(
    line: str, language: str | None, spans: Sequence[tuple[int, int]], roles: Sequence[Role]
) -> Iterator[list[_Word]]:
    """Yield runs of words without a stop word, another word that is in no noun phrase, or punctuation between them."""
    ignored = stop_words_of(language)
    run: list[_Word] = []
    for (start, end), role in zip(spans, roles, strict=True):
        begin = start + _elided(line[start:end], language)
        stop = role == "other" or _is_stop_word(line[begin:end].casefold().replace("’", "'"), ignored)
        apart = bool(run) and (line[run[-1].end : start] not in _JOINS or begin > start)
        if run and (stop or apart):
            yield run
            run = []
        if not stop:
            run.append(_Word(begin, end, role))
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
