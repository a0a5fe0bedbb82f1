"""Titles on the screen: the most prominent lines of a frame, joined if they wrap, and what is not a title."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.language import clean, joined
from schemas.records import Keyframe, TextLine, Utterance

TITLE_HEIGHT = 0.045
"""Minimum height of a title line, as a share of the frame."""
_CAPTION_TOP = 0.7
"""A line that begins below this is a caption: it names what is shown."""
_MIN_SCORE, _MIN_LINE_SCORE = 0.85, 0.7
"""Minimum score of a title's most prominent line, and of lines that continue it."""
_MAX_LINES, _MAX_CHARACTERS = 4, 110
"""A longer block is a paragraph."""
_MAX_GAP = 0.75
"""Maximum distance of two lines of a block, as a share of their height; items of a list stand further apart."""
_SAME_HEIGHT = 1.45
"""Maximum ratio of the heights of two lines of a block: letters below the line make a box higher."""
SAME_SIZE = 1.3
"""Maximum ratio of the widths of letters in two lines of one size. Boxes have margins, so heights say less."""
_NARROW, _WIDE = frozenset("fijlrtIJ.,:;!|'’() "), frozenset("mwMW@%—")
_BYLINE = re.compile(
    r"^(?:(?:a|an)\s+(?:\w+\s+)?(?:film|movie|documentary|talk|lecture|presentation|report)\s+by"
    r"|by(?!\s+(?:the|an?|all|any|my|our|your|their|its|\w+ing|\d+)\b)"
    r"|written by|directed by|presented by|produced by|ein film von|un film de|una película de)\s+\S",
    re.IGNORECASE,
)
"""A line that names the author is no title, and continues none."""
_ALIGNED = 0.04
_BULLET = re.compile(r"^(?:[•·▪‣◦●○■□►▶✓*–—-]|\d{1,2}[.)]|[a-z]\))\s*\S")
_SAME_PLACE = 0.03
_RUNNING_SHOTS, _RUNNING_SHARE = 3, 0.4
"""A running line is in the same place in so many shots, and on this share of the frames with text."""
_ADDRESS = re.compile(r"@|www\.|https?:|\.(?:com|org|net|edu|gov)\b|\b\d{1,2}:\d{2}", re.IGNORECASE)
_WORD = re.compile(r"\w{4,}")
_VOWELS = frozenset("aeiouyøæœ")


@dataclass(frozen=True, slots=True)
class TitleBlock:
    """A title of one or several lines."""

    text: str
    """On one line."""
    lines: tuple[TextLine, ...]
    height: float
    """Of its most prominent line, as a share of the frame."""
    score: float
    """Of its most prominent line."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 around all lines, as fractions of width and height."""
        x0, y0, x1, y1 = zip(*(line.box for line in self.lines), strict=True)
        return min(x0), min(y0), max(x1), max(y1)


def title_block(text_lines: Sequence[TextLine]) -> TitleBlock | None:
    """Return the most prominent line, large and high up, with the lines that continue it.

    Neighbouring lines of the same size, close together and with a common edge or middle, are one title; a longer block
    is a paragraph, of which only the most prominent line counts. Lines with fewer than three letters do not count.
    """
    worded = [line for line in text_lines if _letters(line.text) >= 3]
    if not worded:
        return None
    best = max([line for line in worded if not _is_byline(line)] or worded, key=_prominence)
    block = [best]
    above = sorted((line for line in text_lines if line.box[1] < best.box[1]), key=lambda line: -line.box[1])
    below = sorted((line for line in text_lines if line.box[1] > best.box[1]), key=lambda line: line.box[1])
    for line in above:
        if _continues(line, block[0]):
            block.insert(0, line)
    for line in below:
        if _continues(block[-1], line):
            block.append(line)
    text = joined(clean(line.text) for line in block)
    if len(block) > _MAX_LINES or len(text) > _MAX_CHARACTERS:
        block, text = [best], clean(best.text)
    return TitleBlock(text, tuple(block), _height(best), best.score)


def legible_line(text_lines: Sequence[TextLine]) -> str:
    """Return the most prominent line that is words; empty if none is.

    Args:
        text_lines: Of a frame.
    """
    worded = (line for line in text_lines if line.score >= _MIN_SCORE and is_legible(line.text))
    best = max(worded, key=_prominence, default=None)
    return clean(best.text) if best is not None else ""


def screen_title(frame: Keyframe, *, min_height: float = TITLE_HEIGHT) -> str:
    """Return the title on a frame; empty if there is no large and legible text.

    Args:
        frame: A keyframe with its lines of text.
        min_height: Minimum height of the line, as a share of the frame.
    """
    block = title_block(frame.text_lines)
    if block is None or block.score < _MIN_SCORE or block.height < min_height:
        return ""
    return block.text if is_legible(block.text) else ""


def is_caption(frame: Keyframe) -> bool:
    """Tell whether a frame's title is a caption at the bottom: it names what is shown, not what follows."""
    block = title_block(frame.text_lines)
    return block is not None and block.box[1] > _CAPTION_TOP


def is_legible(text: str) -> bool:
    """Tell whether a line of on-screen text is words, rather than an address, a clock or an OCR error."""
    letters = _letters(text)
    if letters < 3 or letters < 0.6 * len(text.replace(" ", "")) or _ADDRESS.search(text):
        return False
    latin = [word for word in text.split() if word[:1].isalpha() and unicodedata.name(word[0], "").startswith("LATIN")]
    # Most words without a vowel are OCR errors; a few are abbreviations.
    pronounceable = sum(bool(_VOWELS & set(unicodedata.normalize("NFD", word.lower()))) for word in latin)
    return 2 * pronounceable >= len(latin) and (len(latin) != 1 or len(text) >= 4)


def running_lines(keyframes: Sequence[Keyframe]) -> frozenset[str]:
    """Return the texts, as `line_key`, that stay in the same place while other text changes: headers and logos.

    Args:
        keyframes: Of a whole video.
    """
    with_text = [frame for frame in keyframes if frame.text_lines]
    places: defaultdict[tuple[str, int, int], set[int]] = defaultdict(set)
    shots: defaultdict[tuple[str, int, int], set[int]] = defaultdict(set)
    others: defaultdict[tuple[str, int, int], set[str]] = defaultdict(set)
    for number, frame in enumerate(with_text):
        whole = "\n".join(sorted(line_key(line) for line in frame.text_lines))
        for line in frame.text_lines:
            place = (line_key(line), *_place(line))
            places[place].add(number)
            shots[place].add(frame.shot_index)
            others[place].add(whole)
    return frozenset(
        place[0]
        for place, frames in places.items()
        if place[0]
        and len(shots[place]) >= _RUNNING_SHOTS
        and len(frames) >= _RUNNING_SHARE * len(with_text)
        and len(others[place]) >= _RUNNING_SHOTS
    )


def without_running_lines(keyframes: Sequence[Keyframe]) -> list[Keyframe]:
    """Return the keyframes of a video without headers, footers and logos in their lines of text.

    A line stays where it is larger than elsewhere: the name of a talk may be on its title slide and below all others.
    """
    running = running_lines(keyframes)
    if not running:
        return list(keyframes)
    heights: defaultdict[str, list[float]] = defaultdict(list)
    for frame in keyframes:
        for line in frame.text_lines:
            heights[line_key(line)].append(_height(line))
    usual = {key: sorted(heights[key])[len(heights[key]) // 2] for key in running}
    cleaned = []
    for frame in keyframes:
        lines = tuple(
            line
            for line in frame.text_lines
            if line_key(line) not in running or _height(line) > _SAME_HEIGHT * usual[line_key(line)]
        )
        cleaned.append(frame if len(lines) == len(frame.text_lines) else replace(frame, text_lines=lines))
    return cleaned


def line_key(line: TextLine) -> str:
    """Return the letters of a line for comparing it with others; a page number makes no difference."""
    return "".join(character for character in line.text.casefold() if character.isalpha())


def with_accents(keyframes: Sequence[Keyframe], utterances: Sequence[Utterance]) -> list[Keyframe]:
    """Restore accents that the OCR lost, in words that are also spoken.

    Args:
        keyframes: With their lines of text.
        utterances: Of the same video.
    """
    heard = {word.lower() for each in utterances for word in _WORD.findall(each.text) if not word.isascii()}
    readings = _readings(heard)
    return [_with_accents(frame, heard, readings) if readings and frame.text_lines else frame for frame in keyframes]


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def _height(line: TextLine) -> float:
    return line.box[3] - line.box[1]


def _is_byline(line: TextLine) -> bool:
    return _BYLINE.match(line.text.strip()) is not None


def letter_width(line: TextLine) -> float:
    """Return the width of an average small letter, as a share of the frame, whatever letters the line has."""
    return (line.box[2] - line.box[0]) / max(sum(map(_advance, line.text.strip())), 1.0)


def _advance(character: str) -> float:
    """Return the usual width of a character, in small letters."""
    if character in _NARROW:
        return 0.6
    if unicodedata.east_asian_width(character) in "WF":
        return 1.75
    wide = character in _WIDE
    return (1.6 if wide else 1.25) if character.isupper() else 1.5 if wide else 1.0


def _prominence(line: TextLine) -> float:
    return _height(line) * (1.3 - 0.6 * line.box[1]) * line.score


def _place(line: TextLine) -> tuple[int, int]:
    """Return where the left edge and the middle of a line are, in steps that ignore the OCR's inaccuracy."""
    return round(line.box[0] / _SAME_PLACE), round((line.box[1] + line.box[3]) / 2 / _SAME_PLACE)


def _continues(first: TextLine, second: TextLine) -> bool:
    """Tell whether two lines are successive lines of one title. Lines of the same row are not."""
    heights = sorted((_height(first), _height(second)))
    gap = second.box[1] - first.box[3]
    if heights[0] <= 0 or heights[1] > _SAME_HEIGHT * heights[0] or not -0.4 * heights[0] < gap < _MAX_GAP * heights[0]:
        return False
    if min(first.score, second.score) < _MIN_LINE_SCORE or _BULLET.match(first.text) or _BULLET.match(second.text):
        return False
    sizes = sorted((letter_width(first), letter_width(second)))
    if sizes[1] > SAME_SIZE * sizes[0] or _is_byline(second):
        return False
    (left, _, right, _), (other_left, _, other_right, _) = first.box, second.box
    edges = (left - other_left, right - other_right, (left + right - other_left - other_right) / 2)
    return min(map(abs, edges)) <= _ALIGNED


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
