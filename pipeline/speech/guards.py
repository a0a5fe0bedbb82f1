"""Rules against text that nobody said: what is dropped as hallucinated, what is flagged as doubtful.

Whisper was trained on captions, and on noise, music or silence it writes what captions say there ("Thank you for
watching"), or the same thing over and over. No one score tells; each rule below names one way it shows.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.language.scripts import DENSE_SCRIPT
from pipeline.speech.activity import Island
from pipeline.speech.marks import EDGE_MARKS, STOCK_PHRASE
from pipeline.speech.words import SpokenWord
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ

MIN_SUPPORT = 0.15
"""Least share of an utterance's time in which the voice activity detector hears speech."""
MIN_SUPPORT_S = 0.1
MIN_CERTAINTY = 0.1
"""Least mean probability of speech there, for those who set `vad_threshold` very low."""
SURE_SPEECH = 0.7
"""Mean probability of speech from which the voice activity detector outvotes Whisper's `no_speech_prob`."""
FAST, IMPOSSIBLE = 30.0, 50.0
"""Letters a second of speech that are hardly, and not at all, humanly possible; a fast talker makes 20."""
DENSE_SCRIPT_WEIGHT = 2.5
"""Letters that a Chinese character, kana or Hangul syllable counts for."""
LOOP_TIMES = 4
"""How often a phrase of up to `LOOP_WORDS` words follows itself in a loop."""
LOOP_WORDS = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of an utterance."""

    flags: tuple[str, ...]
    """Reasons to doubt it: `low_logprob`, `no_speech`, `repetitive`, `too_fast`, `stock_phrase`."""
    hallucination: str | None
    """Why it must be dropped: `silence`, `unsupported`, `impossible`, `loop`; none to keep it."""


def judge(words: Sequence[SpokenWord], islands: Sequence[Island], config: SpeechConfig) -> Verdict:
    """Apply the rules to one utterance.

    Args:
        words: At least one.
        islands: Speech that the voice activity detector found; only what overlaps the words counts.
        config: Thresholds.
    """
    text = "".join(word.text for word in words).strip()
    avg_logprob = sum(word.logprob for word in words) / sum(word.tokens for word in words)
    no_speech = max(word.no_speech_prob for word in words) > config.max_no_speech_prob
    low_logprob = avg_logprob < config.min_avg_logprob
    ratio = compression_ratio(text)
    support_s, certainty = _support(words, islands)
    letters_per_s = _letters(text) / max(support_s, MIN_SUPPORT_S)
    repetitive = ratio > config.max_compression_ratio or loops(text)
    flags = {
        "low_logprob": low_logprob,
        "no_speech": no_speech,
        "repetitive": repetitive,
        "too_fast": letters_per_s > FAST,
        "stock_phrase": bool(STOCK_PHRASE.match(text.strip(EDGE_MARKS))),
    }
    length_s = words[-1].end_s - words[0].start_s
    reasons = {
        "silence": no_speech and (low_logprob or certainty < SURE_SPEECH),
        "unsupported": support_s < max(MIN_SUPPORT * length_s, MIN_SUPPORT_S) or certainty < MIN_CERTAINTY,
        "impossible": letters_per_s > IMPOSSIBLE,
        "loop": ratio > 2 * config.max_compression_ratio or (repetitive and letters_per_s > FAST),
    }
    hallucination = next((reason for reason, holds in reasons.items() if holds), None)
    return Verdict(tuple(flag for flag, holds in flags.items() if holds), hallucination)


def compression_ratio(text: str) -> float:
    """Return the bytes of a text over those of its zlib compression; above 2.4 it repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def loops(text: str) -> bool:
    """Whether a phrase follows itself so often that nobody would say it."""
    words = re.findall(r"\w+", text.lower())
    for length in range(1, LOOP_WORDS + 1):
        run = 0
        for here, back in zip(words[length:], words, strict=False):
            run = run + 1 if here == back else 0
            if run >= length * (LOOP_TIMES - 1) and run >= 2 * LOOP_TIMES - 3:
                return True
    return False


def _letters(text: str) -> float:
    dense = len(DENSE_SCRIPT.findall(text))
    return sum(character.isalnum() for character in text) + dense * (DENSE_SCRIPT_WEIGHT - 1)


def _support(words: Sequence[SpokenWord], islands: Sequence[Island]) -> tuple[float, float]:
    """Return the seconds of speech that the detector hears under the words, and its mean certainty there."""
    first, last = words[0].start_s * SAMPLE_RATE_HZ, words[-1].end_s * SAMPLE_RATE_HZ
    shared = [(min(i.end, last) - max(i.start, first), i.probability) for i in islands]
    heard = [(length, probability) for length, probability in shared if length > 0]
    total = sum(length for length, _ in heard)
    certainty = sum(length * probability for length, probability in heard) / total if total else 0.0
    return total / SAMPLE_RATE_HZ, certainty
