"""Hallucination guards: rules that drop text nobody said, and flag text that is doubtful.

Whisper was trained on captions. Given noise, music or silence it writes what captions say there ("Thank you for
watching"), or repeats itself. No single score shows this, so each rule below covers one symptom.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.analysis.speech.marks import EDGE_MARKS, STOCK_PHRASE
from pipeline.analysis.speech.voice_activity import SpeechSegment
from pipeline.analysis.speech.words import SpokenWord
from pipeline.language import DENSE_SCRIPT
from schemas.config import SpeechConfig
from schemas.media import SAMPLE_RATE_HZ

MIN_SUPPORT = 0.15
"""Smallest share of an utterance's time in which the voice activity detector must find speech."""
MIN_SUPPORT_S = 0.1
MIN_CERTAINTY = 0.1
"""Smallest mean probability of that speech. It matters only if `vad_threshold` is set very low."""
SURE_SPEECH = 0.7
"""Mean probability of speech from which the voice activity detector overrules Whisper's `no_speech_prob`."""
FAST, IMPOSSIBLE = 30.0, 50.0
"""Letters per second of speech that are barely possible, and impossible. A fast talker reaches 20."""
DENSE_SCRIPT_WEIGHT = 2.5
"""A Chinese character, kana or Hangul syllable counts as this many letters."""
LOOP_TIMES = 4
"""A phrase of up to `LOOP_WORDS` words that occurs this often in a row is a loop."""
LOOP_WORDS = 8


@dataclass(frozen=True, slots=True)
class GuardResult:
    """What the rules found in an utterance."""

    flags: tuple[str, ...]
    """Reasons to doubt it: `low_logprob`, `no_speech`, `repetitive`, `too_fast`, `stock_phrase`."""
    hallucination: str | None
    """Why to drop it: `silence`, `unsupported`, `impossible`, `loop` or `symbols`. None to keep it."""


def check_utterance(
    words: Sequence[SpokenWord], segments: Sequence[SpeechSegment], config: SpeechConfig
) -> GuardResult:
    """Apply the rules to one utterance.

    Args:
        words: At least one.
        segments: Speech that the voice activity detector found. Only segments that overlap the words count.
        config: Thresholds.
    """
    text = "".join(word.text for word in words).strip()
    avg_logprob = sum(word.logprob for word in words) / sum(word.tokens for word in words)
    no_speech = max(word.no_speech_prob for word in words) > config.max_no_speech_prob
    low_logprob = avg_logprob < config.min_avg_logprob
    ratio = compression_ratio(text)
    support_s, certainty = _support(words, segments)
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
        "symbols": not _letters(text),  # nothing that anybody could say
        "loop": ratio > 2 * config.max_compression_ratio or (repetitive and letters_per_s > FAST),
    }
    hallucination = next((reason for reason, holds in reasons.items() if holds), None)
    return GuardResult(tuple(flag for flag, holds in flags.items() if holds), hallucination)


def compression_ratio(text: str) -> float:
    """Return the size of a text over its zlib-compressed size. Above 2.4 the text repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def loops(text: str) -> bool:
    """Return whether a phrase repeats more often than anybody would say it."""
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


def _support(words: Sequence[SpokenWord], segments: Sequence[SpeechSegment]) -> tuple[float, float]:
    """Return the seconds of detected speech under the words, and its mean probability."""
    first, last = words[0].start_s * SAMPLE_RATE_HZ, words[-1].end_s * SAMPLE_RATE_HZ
    shared = [(min(i.end, last) - max(i.start, first), i.probability) for i in segments]
    heard = [(length, probability) for length, probability in shared if length > 0]
    total = sum(length for length, _ in heard)
    certainty = sum(length * probability for length, probability in heard) / total if total else 0.0
    return total / SAMPLE_RATE_HZ, certainty
