"""Words and their times, from Whisper's tokens, their alignment and the islands of speech."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.language import word_spans
from pipeline.language.marks import SENTENCE_END
from pipeline.language.scripts import DENSE_SCRIPT, UNSPACED_LANGUAGES
from pipeline.speech.engines import Alignment, Tokenizer
from pipeline.speech.marks import APPENDED, PREPENDED
from pipeline.speech.windows import Plan
from schemas.media import SAMPLE_RATE_HZ

MIN_WORD_S = 0.02
MAX_WORD_S, MAX_LETTER_S = 0.8, 0.06
"""Longest word: the one and, for each of its letters, the other."""
APART_S = 0.5
"""No word has such a pause in it."""
EDGE_S = 0.1
"""Words may reach so far beyond the island that the voice activity detector drew."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word with what is needed to judge it. Times are seconds from the start of whatever holds it."""

    text: str
    """As decoded, with the space before it where the language has them, and its punctuation."""
    start_s: float
    end_s: float
    logprob: float
    """Sum over its tokens."""
    tokens: int
    no_speech_prob: float
    """Whisper's, of the window it comes from."""

    @property
    def probability(self) -> float:
        """Geometric mean of its tokens' probabilities."""
        return math.exp(self.logprob / self.tokens)


def words_in_window(
    tokenizer: Tokenizer, tokens: Sequence[int], aligned: Alignment, no_speech_prob: float
) -> list[SpokenWord]:
    """Join tokens to words, punctuation included.

    Args:
        tokenizer: Of whisper, for the language spoken.
        tokens: Text tokens of one window.
        aligned: Of these tokens.
        no_speech_prob: Of the window.

    Returns:
        Words with times from the start of the window.
    """
    texts, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    words, done = [], 0
    for text, group in zip(texts[:-1], groups[:-1], strict=True):
        span = slice(done, done + len(group))
        logprob = float(np.log(np.maximum(aligned.probabilities[span], 1e-10)).sum())
        start_s, end_s = float(aligned.start_s[done]), float(aligned.start_s[done + len(group)])
        words.append(SpokenWord(text, start_s, end_s, logprob, len(group), no_speech_prob))
        done += len(group)
    spaced = tokenizer.language not in UNSPACED_LANGUAGES
    return [word for word in _whole_words(words, spaced=spaced) if word.text.strip()]


def _whole_words(parts: Sequence[SpokenWord], *, spaced: bool) -> list[SpokenWord]:
    """Join marks to the word that they belong to, and parts that no space divides (`c` and `'est`).

    Whisper's own tokenizer leaves the latter apart.
    """
    words: list[SpokenWord] = []
    opening: SpokenWord | None = None
    for part in parts:
        mark = part.text.strip()
        if opening:
            words.append(_joined(opening, part, start_s=part.start_s, end_s=part.end_s))
            opening = None
        elif mark and mark in PREPENDED and part.text.startswith(" "):
            opening = part
        elif words and mark and part.text in APPENDED:
            words[-1] = _joined(words[-1], part)
        elif words and spaced and not part.text.startswith(" ") and not DENSE_SCRIPT.match(part.text):
            words[-1] = _joined(words[-1], part, end_s=part.end_s)
        else:
            words.append(part)
    return [*words, opening] if opening else words


def _joined(first: SpokenWord, second: SpokenWord, **times: float) -> SpokenWord:
    return replace(
        first,
        text=first.text + second.text,
        logprob=first.logprob + second.logprob,
        tokens=first.tokens + second.tokens,
        **times,
    )


def dictionary_words(words: Sequence[SpokenWord], language: str) -> list[SpokenWord]:
    """Join what Whisper takes for words in a language without spaces, mostly single characters, to the words they make.

    Args:
        words: Of one utterance.
        language: Code of the language spoken; in one that has spaces, nothing changes.

    Returns:
        Words that begin where one of the dictionary and one of Whisper's both begin. A pause parts words, too.
    """
    if language not in UNSPACED_LANGUAGES:
        return list(words)
    begins = {start for start, _ in word_spans("".join(word.text for word in words), language)}
    whole: list[SpokenWord] = []
    done = 0
    for word in words:
        letter = next((number for number, character in enumerate(word.text) if character.isalnum()), None)
        apart = not whole or word.start_s - whole[-1].end_s > APART_S or word.text.startswith(" ")
        if apart or (letter is not None and done + letter in begins):
            whole.append(word)
        else:
            whole[-1] = _joined(whole[-1], word, end_s=word.end_s)
        done += len(word.text)
    return whole


def place(words: Sequence[SpokenWord], plan: Plan) -> list[SpokenWord]:
    """Move words from their window to the sound track, and out of the silence that alignment lets them reach into.

    Returns:
        The words with seconds from the start of the sound.
    """
    placed = []
    for word in _shortened(words):
        start, end = plan.original(word.start_s * SAMPLE_RATE_HZ, word.end_s * SAMPLE_RATE_HZ)
        start_s, end_s = _snap(start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ, plan)
        placed.append(replace(word, start_s=start_s, end_s=end_s))
    return placed


def _shortened(words: Sequence[SpokenWord]) -> Iterator[SpokenWord]:
    """Cut overlong words: alignment stretches one over speech that the decoder left out, and so hides the gap.

    The first word of a sentence keeps its end, any other its start.
    """
    begins = True
    for word in words:
        most_s = MAX_WORD_S + MAX_LETTER_S * len(word.text.strip())
        if word.end_s - word.start_s <= most_s:
            yield word
        elif begins:
            yield replace(word, start_s=word.end_s - most_s)
        else:
            yield replace(word, end_s=word.start_s + most_s)
        begins = bool(SENTENCE_END.search(word.text))


def _snap(start_s: float, end_s: float, plan: Plan) -> tuple[float, float]:
    """Cut a word to the island that it shares most with; leave it where it touches none."""
    best, most = (start_s, end_s), 0.0
    for island in plan.islands:
        low = max(start_s, island.start / SAMPLE_RATE_HZ - EDGE_S)
        high = min(end_s, island.end / SAMPLE_RATE_HZ + EDGE_S)
        if high - low > most:
            best, most = (low, high), high - low
    return best


def in_order(words: Sequence[SpokenWord], limit_s: float) -> list[SpokenWord]:
    """Return the words with times that follow each other, each longer than nothing, none beyond `limit_s`.

    Args:
        words: In the order spoken.
        limit_s: Length of the sound, more than 0.
    """
    least = min(MIN_WORD_S, limit_s / max(len(words), 1) / 2)
    spans: list[list[float]] = []
    for word in words:
        start = max(word.start_s, spans[-1][1] if spans else 0.0)
        spans.append([start, max(word.end_s, start + least)])
    bound = limit_s
    for span in reversed(spans):
        span[1] = min(span[1], bound)
        span[0] = min(span[0], span[1] - least)
        bound = span[0]
    return [replace(word, start_s=start, end_s=end) for word, (start, end) in zip(words, spans, strict=True)]
