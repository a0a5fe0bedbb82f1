"""Titles: from large text on the screen, from sentences and from keyphrases."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pipeline.analysis.scenes.captions import title_line
from pipeline.language import clean, ends_sentence, shortened, word_count, words
from schemas.records import Keyframe, Utterance

TITLE_LENGTH = 60
"""Maximum number of characters."""
TITLE_HEIGHT = 0.045
"""Minimum height of a title line, as a share of the frame."""
_CAPTION_TOP = 0.7
"""A line that begins below this is a caption: it names what is shown."""
_MIN_SCORE = 0.85
_ADDRESS = re.compile(r"@|www\.|https?:|\.(?:com|org|net|edu|gov)\b|\b\d{1,2}:\d{2}", re.IGNORECASE)
_FILLER = re.compile(
    r"^(?:(?:and|so|but|now|well|okay|ok|right|um+|uh+|er+|yeah|yes|no|oh|also|then|because|or|again|in short)"
    r"\b[\s,.]*)+",
    re.IGNORECASE,
)
_PRESENTS = re.compile(
    r"^(?:(?:this|that|it|here|there) (?:is|was|are|were)"
    r"|(?:today |now )?(?:we|i) (?:want to |will |are going to |'?ll )?"
    r"(?:talk|speak|look|learn|hear)(?:ing)? (?:about|at|of))\s+",
    re.IGNORECASE,
)
_BREAK = re.compile(
    r"\s(?=(?:in|at|on|for|with|by|from|that|which|who|where|when|while|because|and|but|as|than|if|so)\s)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:\u2013\u2014\uff0c\uff1b\uff1a]\s*")
_OPEN_END = re.compile(
    r"\b(?:is|are|was|were|be|been|the|a|an|of|to|not|and|or|very|more|has|have|had)$", re.IGNORECASE
)
_WORD = re.compile(r"\w{4,}")
_VOWELS = frozenset("aeiouyøæœ")


def screen_title(frame: Keyframe, *, min_height: float = TITLE_HEIGHT) -> str:
    """Return the title on a frame; empty if there is no large and legible text.

    Args:
        frame: A keyframe with its lines of text.
        min_height: Minimum height of the line, as a share of the frame.
    """
    line = title_line(frame.text_lines)
    if line is None or line.score < _MIN_SCORE or line.box[3] - line.box[1] < min_height:
        return ""
    text = clean(line.text)
    return text if is_legible(text) else ""


def is_caption(frame: Keyframe) -> bool:
    """Tell whether a frame's title is a caption at the bottom: it names what is shown, not what follows."""
    line = title_line(frame.text_lines)
    return line is not None and line.box[1] > _CAPTION_TOP


def is_legible(text: str) -> bool:
    """Tell whether a line of on-screen text is words, rather than an address, a clock or an OCR error."""
    letters = sum(character.isalpha() for character in text)
    if letters < 3 or letters < 0.6 * len(text.replace(" ", "")) or _ADDRESS.search(text):
        return False
    latin = [word for word in text.split() if word[:1].isalpha() and unicodedata.name(word[0], "").startswith("LATIN")]
    # Most words without a vowel are OCR errors; a few are abbreviations.
    pronounceable = sum(bool(_VOWELS & set(unicodedata.normalize("NFD", word.lower()))) for word in latin)
    return 2 * pronounceable >= len(latin) and (len(latin) != 1 or len(text) >= 4)


def with_accents(keyframes: Sequence[Keyframe], utterances: Sequence[Utterance]) -> list[Keyframe]:
    """Restore accents that the OCR lost, in words that are also spoken.

    Args:
        keyframes: With their lines of text.
        utterances: Of the same video.
    """
    heard = {word.lower() for each in utterances for word in _WORD.findall(each.text) if not word.isascii()}
    readings = _readings(heard)
    return [_with_accents(frame, heard, readings) if readings and frame.text_lines else frame for frame in keyframes]


def sentence_title(text: str, *, length: int = TITLE_LENGTH) -> str:
    """Make a title from a sentence: drop filler words at its start, and never cut it inside a phrase.

    Args:
        text: The sentence; an incomplete sentence gives no title.
        length: Maximum number of characters.

    Returns:
        The sentence if it is short enough, else its first clause that is, else its beginning up to a preposition or
        conjunction (English); else empty.
    """
    if not ends_sentence(text):
        return ""
    core = _FILLER.sub("", clean(text)).rstrip(".。!！… ")
    topic = _PRESENTS.sub("", core)
    core = topic if word_count(topic) >= 3 else core
    if len(core) > length:
        clauses = (clause.strip() for clause in _CLAUSE.split(core))
        beginnings = (core[: found.start()] for found in reversed(list(_BREAK.finditer(core))))
        parts = (*clauses, *(part for part in beginnings if not _OPEN_END.search(part)))
        core = next((part for part in parts if len(part) <= length and word_count(part) >= 5), "")
    return core[:1].upper() + core[1:] if word_count(core) >= 2 else ""


def phrase_title(phrases: Sequence[str]) -> str:
    """Make a title from the best keyphrase; to a single word, add the next phrase that shares no word with it.

    Args:
        phrases: The best first.
    """
    if not phrases:
        return ""
    first = clean(phrases[0])
    known = set(words(first.lower()))
    others = (clean(phrase) for phrase in phrases[1:])
    second = next((phrase for phrase in others if not known & set(words(phrase.lower()))), "")
    both = word_count(first) == 1 and 1 <= word_count(second) <= 2
    title = f"{first}, {second}" if both and len(first) + len(second) + 2 <= TITLE_LENGTH else first
    return shortened(title[:1].upper() + title[1:], TITLE_LENGTH)


_Reading = tuple[str, str, bool]
"""The parts of a word before and after its accented letter, and whether another letter stands between them."""


def _readings(heard: Collection[str]) -> dict[_Reading, str]:
    """Map the readings of words whose one accented Latin letter was lost or misread to the words."""
    found: dict[_Reading, str] = {}
    for word in sorted(heard):
        for index, letter in enumerate(word):
            if not letter.isascii() and unicodedata.name(letter, "").startswith("LATIN"):
                for replaced in (True, False):
                    found.setdefault((word[:index], word[index + 1 :], replaced), word)
    return found


def _with_accents(frame: Keyframe, heard: Collection[str], readings: Mapping[_Reading, str]) -> Keyframe:
    lines = (
        replace(line, text=" ".join(_accented(word, heard, readings) for word in line.text.split()))
        for line in frame.text_lines
    )
    return replace(frame, text_lines=tuple(lines))


def _accented(word: str, heard: Collection[str], readings: Mapping[_Reading, str]) -> str:
    lower = word.lower()
    if len(word) < 4 or lower in heard:
        return word
    indices = range(len(lower) + 1)
    keys = [(lower[:index], lower[index + shift :], bool(shift)) for index in indices for shift in (1, 0)]
    match = min((readings[key] for key in keys if key in readings), default=word)
    return match[:1].upper() + match[1:] if word[:1].isupper() else match
