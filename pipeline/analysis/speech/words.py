"""Words and their times, from Whisper's tokens, their alignment and the speech segments."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.analysis.speech.engines import Alignment, Tokenizer
from pipeline.analysis.speech.marks import APPENDED, PREPENDED
from pipeline.analysis.speech.windows import WindowPlan
from pipeline.language import DENSE_SCRIPT, SENTENCE_END, UNSPACED_LANGUAGES, word_spans
from schemas.media import SAMPLE_RATE_HZ

MIN_WORD_S = 0.02
MAX_WORD_S, MAX_LETTER_S = 0.8, 0.06
"""A word may last `MAX_WORD_S` plus `MAX_LETTER_S` per letter."""
MAX_PAUSE_S = 0.5
"""Longest pause inside a word."""
EDGE_S = 0.1
"""How far a word may reach beyond its speech segment."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word with the scores of its tokens. Times are seconds from the start of its window or track."""

    text: str
    """As decoded: with its punctuation, and with a leading space if the language writes spaces."""
    start_s: float
    end_s: float
    logprob: float
    """Sum of its tokens' log-probabilities."""
    tokens: int
    no_speech_prob: float
    """Whisper's value for the window."""
    language: str = ""
    """Code of the spoken language."""

    @property
    def probability(self) -> float:
        """Geometric mean of its tokens' probabilities."""
        return math.exp(self.logprob / self.tokens)


def words_in_window(
    tokenizer: Tokenizer, tokens: Sequence[int], aligned: Alignment, no_speech_prob: float
) -> list[SpokenWord]:
    """Join tokens to words with their punctuation.

    Args:
        tokenizer: Whisper's tokenizer for the spoken language.
        tokens: Text tokens of one window.
        aligned: The alignment of these tokens.
        no_speech_prob: Whisper's value for the window.

    Returns:
        Words with times from the start of the window.
    """
    texts, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    words, done, language = [], 0, tokenizer.language or "en"
    for text, group in zip(texts[:-1], groups[:-1], strict=True):
        span = slice(done, done + len(group))
        logprob = float(np.log(np.maximum(aligned.probabilities[span], 1e-10)).sum())
        start_s, end_s = float(aligned.start_s[done]), float(aligned.start_s[done + len(group)])
        words.append(SpokenWord(text, start_s, end_s, logprob, len(group), no_speech_prob, language))
        done += len(group)
    spaced = language not in UNSPACED_LANGUAGES
    return [word for word in _whole_words(words, spaced=spaced) if word.text.strip()]


def _whole_words(parts: Sequence[SpokenWord], *, spaced: bool) -> list[SpokenWord]:
    """Join punctuation to its word, and parts with no space between them (`c` and `'est`).

    Whisper's own tokenizer does not join the latter.
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


def _joined(
    first: SpokenWord, second: SpokenWord, start_s: float | None = None, end_s: float | None = None
) -> SpokenWord:
    return replace(
        first,
        start_s=first.start_s if start_s is None else start_s,
        end_s=first.end_s if end_s is None else end_s,
        text=first.text + second.text,
        logprob=first.logprob + second.logprob,
        tokens=first.tokens + second.tokens,
    )


def dictionary_words(words: Sequence[SpokenWord]) -> list[SpokenWord]:
    """Join Whisper's words, mostly single characters in languages without spaces, to the words of a dictionary.

    Args:
        words: The words of one utterance. If its language writes spaces, they are returned unchanged.

    Returns:
        Words. Each starts where both a dictionary word and one of Whisper's words start, or after a pause.
    """
    language = words[0].language if words else ""
    if language not in UNSPACED_LANGUAGES:
        return list(words)
    begins = {start for start, _ in word_spans("".join(word.text for word in words), language)}
    whole: list[SpokenWord] = []
    done = 0
    for word in words:
        letter = next((number for number, character in enumerate(word.text) if character.isalnum()), None)
        apart = not whole or word.start_s - whole[-1].end_s > MAX_PAUSE_S or word.text.startswith(" ")
        if apart or (letter is not None and done + letter in begins):
            whole.append(word)
        else:
            whole[-1] = _joined(whole[-1], word, end_s=word.end_s)
        done += len(word.text)
    return whole


def map_to_track(words: Sequence[SpokenWord], plan: WindowPlan) -> list[SpokenWord]:
    """Convert word times from the window to the track, and clip words to the speech that they overlap.

    Returns:
        The words with seconds from the start of the audio.
    """
    mapped = []
    for word in _shortened(words):
        start, end = plan.original(word.start_s * SAMPLE_RATE_HZ, word.end_s * SAMPLE_RATE_HZ)
        start_s, end_s = _snap(start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ, plan)
        mapped.append(replace(word, start_s=start_s, end_s=end_s))
    return mapped


def _shortened(words: Sequence[SpokenWord]) -> Iterator[SpokenWord]:
    """Shorten overlong words. Alignment stretches a word over speech that the decoder left out, which hides the gap.

    The first word of a sentence keeps its end; every other word keeps its start.
    """
    begins = True
    for word in words:
        max_s = MAX_WORD_S + MAX_LETTER_S * len(word.text.strip())
        if word.end_s - word.start_s <= max_s:
            yield word
        elif begins:
            yield replace(word, start_s=word.end_s - max_s)
        else:
            yield replace(word, end_s=word.start_s + max_s)
        begins = bool(SENTENCE_END.search(word.text))


def _snap(start_s: float, end_s: float, plan: WindowPlan) -> tuple[float, float]:
    """Clip a word to the segment that it overlaps most. A word that overlaps none is returned unchanged."""
    best, longest_s = (start_s, end_s), 0.0
    for segment in plan.segments:
        low = max(start_s, segment.start / SAMPLE_RATE_HZ - EDGE_S)
        high = min(end_s, segment.end / SAMPLE_RATE_HZ + EDGE_S)
        if high - low > longest_s:
            best, longest_s = (low, high), high - low
    return best


def in_order(words: Sequence[SpokenWord], limit_s: float) -> list[SpokenWord]:
    """Return the words with times that do not overlap, are longer than 0, and end by `limit_s`.

    Args:
        words: In the order spoken.
        limit_s: Length of the audio, more than 0.
    """
    min_s = min(MIN_WORD_S, limit_s / max(len(words), 1) / 2)
    spans: list[list[float]] = []
    for word in words:
        start = max(word.start_s, spans[-1][1] if spans else 0.0)
        spans.append([start, max(word.end_s, start + min_s)])
    bound = limit_s
    for span in reversed(spans):
        span[1] = min(span[1], bound)
        span[0] = min(span[0], span[1] - min_s)
        bound = span[0]
    return [replace(word, start_s=start, end_s=end) for word, (start, end) in zip(words, spans, strict=True)]
