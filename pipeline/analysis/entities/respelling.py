"""Correct the spelling of names that were heard by names on screen: "Lion400M" becomes "LAION-400M".

A wrong correction is worse than none. A heard form is only replaced if all of this holds: it looks like a name; the
recogniser was not sure of it; it sounds like a name on screen, and like no other; it is itself nowhere on screen.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.analysis.corrections import Edit, Token, edited, new_tokens, tokens_of, word_spans_in
from pipeline.analysis.entities.sounding import edit_distance, letters_of, look_alike, similarity, skeleton
from pipeline.analysis.entities.written_names import ScreenName
from pipeline.language import is_ordinary
from schemas.records import Utterance, Word

_MAX_PROBABILITY = 0.7
"""Whisper gave the names that it misheard, and had not heard before, 0.3 to 0.65."""
_MIN_SIMILARITY = 0.6
_BEFORE_S = 30.0
_AFTER_S = 120.0
"""A name of one word counts so long before and after it is on screen; "Robin Romba" for "Robin Rombach", always."""
_MAX_WORDS = 6
_POSSESSIVE = re.compile(r"['’]s$")
_EDGES = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?…:][\"'”’)]*$")


@dataclass(frozen=True, slots=True)
class _Heard:
    """Successive tokens of an utterance that may be a name."""

    utterance: int
    first: int
    last: int
    """Exclusive."""
    text: str
    """Without marks around it and without a possessive ending."""
    letters: str
    probability: float
    """Of its least probable word."""


def heard(utterance: Utterance) -> Utterance:
    """Return an automatic utterance as it was heard, without respelled names."""
    if utterance.heard_text is None:
        return utterance
    return replace(
        utterance, text=utterance.heard_text, words=utterance.heard_words or (), heard_text=None, heard_words=None
    )


def respelled(utterances: Sequence[Utterance], names: Sequence[ScreenName]) -> tuple[Utterance, ...]:
    """Correct the spelling of names in English utterances.

    Args:
        utterances: As they were heard, in order of time.
        names: Names on screen.

    Returns:
        The utterances. Words keep their times. What was heard is beside what changed.
    """
    chosen = _chosen(utterances, names) if names else {}
    result = []
    for position, utterance in enumerate(utterances):
        edits = _edits(utterance, chosen.get(position, ()))
        result.append(_edited(utterance, edits) if edits else utterance)
    return tuple(result)


_Choice = tuple[_Heard, ScreenName]


def _chosen(utterances: Sequence[Utterance], names: Sequence[ScreenName]) -> dict[int, list[_Choice]]:
    """Return what is replaced in each utterance, by its position."""
    by_letters: dict[str, list[ScreenName]] = defaultdict(list)
    by_key: dict[str, list[ScreenName]] = defaultdict(list)
    for name in names:
        by_letters[name.letters].append(name)
        by_key[skeleton(name.letters)[:2]].append(name)
    longest = max(len(name.text.split()) for name in names) + 1
    spans = [
        span
        for position, utterance in enumerate(utterances)
        if utterance.language == "en" and utterance.words
        for span in _spans(position, utterance, min(_MAX_WORDS, longest))
    ]
    said = {span.letters for span in spans}
    surest: dict[str, float] = {}
    for span in spans:
        surest[span.letters] = min(surest.get(span.letters, 1.0), span.probability)
    result: dict[int, list[_Choice]] = defaultdict(list)
    for span in spans:
        equal, probability = by_letters.get(span.letters, ()), surest[span.letters]
        if equal and not any(_is_joined(span, name) for name in equal):
            continue
        # Most runs of words can only be a name with the same letters, so they are not compared with all others.
        misheard = _is_capitalised(span) and probability < _MAX_PROBABILITY
        fitting = [
            name
            for name in (by_key.get(skeleton(span.letters)[:2], ()) if misheard else equal)
            if _fits(span, name, utterances[span.utterance], probability, said)
        ]
        if len({name.letters for name in fitting}) == 1 and len({name.text for name in fitting}) == 1:
            result[span.utterance].append((span, fitting[0]))
    return result


def _spans(position: int, utterance: Utterance, longest: int) -> Iterator[_Heard]:
    """Yield all runs of words that could be a name."""
    tokens = tokens_of(utterance.text)
    sure = _probabilities(utterance, tokens)
    for first in range(len(tokens)):
        for last in range(first + 1, min(len(tokens), first + longest) + 1):
            if last > first + 1 and tokens[last - 2].text[-1:] in ",.;:!?":
                break
            text = utterance.text[tokens[first].start : tokens[last - 1].end]
            name = _POSSESSIVE.sub("", _bare(text))
            letters = letters_of(name)
            if len(letters) > 2 and _looks_like_name(utterance.text, tokens, first, last):
                yield _Heard(position, first, last, name, letters, min(sure[first:last]))


def _probabilities(utterance: Utterance, tokens: Sequence[Token]) -> list[float]:
    """Return the probability of each token: of its least probable word."""
    spans = word_spans_in(utterance)
    return [
        min((word.probability for start, end, word in spans if start < each.end and each.start < end), default=1.0)
        for each in tokens
    ]


def _looks_like_name(text: str, tokens: Sequence[Token], first: int, last: int) -> bool:
    """Return whether words may be a name. Two ordinary words in lower case may be one that is written as one word."""
    words = [_bare(token.text) for token in tokens[first:last]]
    starts = first == 0 or _SENTENCE_END.search(text[: tokens[first].start].rstrip()) is not None
    if starts and is_ordinary(words[0]) and words[0].istitle():
        return False
    return all(_is_capital(word) for word in words) or (len(words) == 2 and all(map(str.isalnum, words)))


def _is_capitalised(span: _Heard) -> bool:
    return all(_is_capital(word) for word in span.text.split())


def _is_capital(word: str) -> bool:
    return any(map(str.isupper, word)) or any(map(str.isdigit, word)) or word in {"of", "de", "von", "van", "da"}


def _fits(span: _Heard, name: ScreenName, utterance: Utterance, probability: float, said: set[str]) -> bool:
    """Return whether a heard form is a name on screen that was misheard."""
    if span.text == name.text or _digits(span.letters) != _digits(name.letters):
        return False
    if not _is_near(utterance, name) and (name.is_code or len(name.text.split()) == 1 or not _shares_word(span, name)):
        return False
    if span.letters == name.letters:
        lower = span.text == span.text.lower() and not _digits(span.letters)
        return _is_joined(span, name) and (not lower or probability < _MAX_PROBABILITY)
    if not _is_capitalised(span) or probability >= _MAX_PROBABILITY:
        return False
    # The name itself was heard elsewhere, so what sounds like it may be another one: Dali, after whom DALL-E is named.
    if name.letters in said or look_alike(span.letters, name.letters) or _is_inflected(span.letters, name.letters):
        return False
    alike = similarity(span.letters, name.letters)
    return alike >= _MIN_SIMILARITY and _sounds_alike(span, name, alike)


def _sounds_alike(span: _Heard, name: ScreenName, alike: float) -> bool:
    one, other = skeleton(span.letters), skeleton(name.letters)
    if one == other:
        # All words but one are the same, or the name is written like no other word, or its spelling is close.
        return name.is_code or alike >= 0.66
    shared = len(name.text.split()) > 1 and _shares_word(span, name)
    return shared and len(other) >= 6 and alike >= 0.8 and edit_distance(one, other) <= 1


def _is_joined(span: _Heard, name: ScreenName) -> bool:
    """Return whether only spaces, hyphens and case differ from a name that is written like no other word.

    OCR often drops the space between two words, so `RobinRombach` on screen joins no names that were heard apart.
    """
    if not name.is_code or span.letters != name.letters or span.text == name.text:
        return False
    words = span.text.split()
    return re.search(r"\d|-", name.text) is not None or len(words) == 1 or not all(word[0].isupper() for word in words)


def _is_inflected(one: str, other: str) -> bool:
    return one in {f"{other}s", f"{other}es"} or other in {f"{one}s", f"{one}es"}


def _is_near(utterance: Utterance, name: ScreenName) -> bool:
    return any(
        utterance.end_s >= start_s - _BEFORE_S and utterance.start_s <= end_s + _AFTER_S
        for start_s, end_s in name.spans_s
    )


def _shares_word(span: _Heard, name: ScreenName) -> bool:
    """Return whether a word of the name, with four letters or more, was heard as it is written."""
    words = {letters_of(word) for word in name.text.split()}
    return any(len(letters_of(word)) > 3 and letters_of(word) in words for word in span.text.split())


def _digits(letters: str) -> str:
    return "".join(character for character in letters if character.isdigit())


def _bare(text: str) -> str:
    return _parts(text)[1]


def _parts(text: str) -> tuple[str, str, str]:
    """Return the marks before a text, the text, and the marks after it."""
    match = _EDGES.match(text)
    return (match[1], match[2], match[3]) if match else ("", text, "")


def _edits(utterance: Utterance, chosen: Sequence[_Choice]) -> list[Edit]:
    """Return the edits of an utterance, the longest name first where two overlap."""
    tokens = tokens_of(utterance.text)
    taken: set[int] = set()
    edits = []
    for span, name in sorted(chosen, key=lambda each: (-len(each[1].letters), each[0].first, each[0].last)):
        if taken.isdisjoint(range(span.first, span.last)):
            taken.update(range(span.first, span.last))
            edits.append(_edit(utterance.text, tokens, span, name))
    return edits


def _edit(text: str, tokens: Sequence[Token], span: _Heard, name: ScreenName) -> Edit:
    """Return the edit that writes a name as it is on screen. Words of it that were heard rightly are not touched."""
    new = [each.text for each in new_tokens(name.text)]
    first, last = span.first, span.last
    while len(new) > 1 and last - first > 1 and tokens[first].text == new[0]:
        first, new = first + 1, new[1:]
    while len(new) > 1 and last - first > 1 and tokens[last - 1].text == new[-1]:
        last, new = last - 1, new[:-1]
    replaced = text[tokens[first].start : tokens[last - 1].end]
    lead, body, trail = _parts(replaced)
    owner = match[0] if (match := _POSSESSIVE.search(body)) else ""
    return Edit(first, last, tuple(new_tokens(f"{lead}{' '.join(new)}{owner}{trail}")))


def _edited(utterance: Utterance, edits: Sequence[Edit]) -> Utterance:
    changed = edited(utterance, edits)
    if changed is utterance:
        return utterance
    known: Mapping[Word, None] = dict.fromkeys(utterance.words)
    words = tuple(
        word if word in known else replace(word, probability=_probability(word, utterance)) for word in changed.words
    )
    return replace(
        changed,
        words=words,
        flags=utterance.flags,
        auto_text=None,
        auto_words=None,
        auto_flags=None,
        heard_text=utterance.text,
        heard_words=utterance.words,
    )


def _probability(word: Word, utterance: Utterance) -> float:
    """Return the probability of the words that a respelled one replaces: it is no surer than they were."""
    return min(
        (each.probability for each in utterance.words if each.start_s < word.end_s and word.start_s < each.end_s),
        default=min((each.probability for each in utterance.words), default=0.0),
    )
