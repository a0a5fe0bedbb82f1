"""The title of a video: the text of its title slide or title card."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np

from pipeline.analysis.description.look import look_of
from pipeline.analysis.description.screen_titles import (
    SAME_SIZE,
    TitleBlock,
    is_caption,
    is_legible,
    letter_width,
    line_key,
    running_lines,
    title_block,
    without_running_lines,
)
from pipeline.language import words
from schemas.records import Keyframe, Utterance

_MIN_HEIGHT, _MIN_HEIGHT_ON_IMAGE = 0.05, 0.075
"""Minimum height of a title on a plain background, and on a photograph, where text may belong to what is filmed."""
_MIN_SCORE = 0.85
_THRESHOLD = 3.0
_LARGER = 1.15
"""A title slide's title is this much larger than the headings of other slides, or than other lines beside it."""
_TOP, _BOTTOM = 0.2, 0.75
"""The middle of a title slide's title lies between these; the heading of other slides is higher."""
_CENTRED = 0.12
_SOON_S, _SOON_SHARE, _EARLY_S, _EARLY_SHARE = 15.0, 0.1, 60.0, 0.25
_FEW_LETTERS, _MANY_LETTERS = 60, 140
"""A title slide has few other letters; a page of text has many."""
_NEIGHBOURS = 4
"""Frames before and after one that may show the same title."""
_ALIKE = 0.85
"""Minimum similarity of two readings of one title."""
_NO_TITLE = re.compile(
    r"^\W*(?:thank(?:s|\s+you)\b.*|(?:any\s+)?questions\W*(?:and answers)?|q\s*&\s*a|(?:the\s+)?end|fin|ende"
    r"|(?:table of )?contents?|agenda|outline|overview|summary|conclusions?|references|bibliography|introduction"
    r"|appendix|credits|subscribe.*|welcome|hello|live|breaking news|loading.*|untitled.*|intermission|break"
    r"|vielen dank.*|danke.*|fragen|inhalt|gliederung|einleitung|gracias.*|preguntas|índice|merci.*|sommaire|plan"
    r"|grazie.*|obrigad[oa].*|谢谢.*|目录|ご清聴.*|ありがとう.*|目次|спасибо.*|содержание)\W*$"
    r"|\bpresents?\W*$|\b(?:directed|produced|written|edited|narrated|filmed) by\b|^(?:a film|music|starring) by\b"
    r"|^(?:chapter|part|section|slide|page|kapitel|teil|chapitre|partie|capítulo|parte)\s+[\divxlc]+\W*$",
    re.IGNORECASE,
)
"""What slides and cards say that does not name the video."""


def video_title(keyframes: Sequence[Keyframe], utterances: Sequence[Utterance], duration_s: float) -> str:
    """Return the title that a video shows on a title slide or title card.

    A title is large, in the middle of the frame, larger than the titles of other frames, early, with little other text;
    or it is repeated below or above other slides, or said. Several of these must hold. Captions at the bottom, headers,
    logos, and texts such as "Thank you" do not count.

    Args:
        keyframes: In order of time.
        utterances: What is said.
        duration_s: Length of the video.

    Returns:
        The title; empty if there is none.
    """
    running = running_lines(keyframes)
    frames = without_running_lines(keyframes)
    titled = [(frame, block) for frame in frames if (block := title_block(frame.text_lines)) is not None]
    heights = [block.height for frame, block in titled if not is_caption(frame)]
    usual = float(np.median(heights)) if len(heights) >= 3 else 0.0
    spoken = {word for each in utterances for word in words(each.text.lower(), each.language)}
    best, best_score = "", 0.0
    for frame, block in titled:
        if _may_be_title(frame, block):
            score = _score(frame, block, usual, duration_s)
            score += 1.0 if _repeated(block, running) else 0.5 if _is_said(block, spoken) else 0.0
            if score >= _THRESHOLD and score > best_score:
                best, best_score = block.text, score
    return best_reading(best, [block.text for _, block in titled])


def best_reading(title: str, titles: Sequence[str]) -> str:
    """Return a title as most frames show it: one that is just appearing is often misread.

    Args:
        title: As one frame shows it.
        titles: On all frames. One with other numbers is another title.
    """
    readings = Counter(other for other in titles if _digits(other) == _digits(title) and _alike(other, title))
    return max(readings, key=lambda other: (readings[other], other == title), default=title)


def with_usual_readings(keyframes: Sequence[Keyframe]) -> list[Keyframe]:
    """Return keyframes in whose titles of one line a misreading gives way to what neighbouring frames show.

    Args:
        keyframes: In order of time.
    """
    blocks = [title_block(frame.text_lines) for frame in keyframes]
    texts = [block.text if block is not None else "" for block in blocks]
    found = []
    for index, (frame, block) in enumerate(zip(keyframes, blocks, strict=True)):
        text = best_reading(texts[index], texts[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS + 1])
        if block is None or len(block.lines) > 1 or text == block.text:
            found.append(frame)
        else:
            lines = (replace(line, text=text) if line is block.lines[0] else line for line in frame.text_lines)
            found.append(replace(frame, text_lines=tuple(lines)))
    return found


def is_title(text: str) -> bool:
    """Tell whether a text may name a video, rather than end it, or list its parts."""
    return is_legible(text) and _NO_TITLE.search(text) is None


def _may_be_title(frame: Keyframe, block: TitleBlock) -> bool:
    if block.score < _MIN_SCORE or is_caption(frame) or not is_title(block.text):
        return False
    if block.text.isascii() and " " not in block.text and len(block.text) < 6:
        return False
    look = look_of(frame)
    plain = look is None or look.drawn
    return block.height >= (_MIN_HEIGHT if plain else _MIN_HEIGHT_ON_IMAGE)


def _score(frame: Keyframe, block: TitleBlock, usual: float, duration_s: float) -> float:
    """Count what speaks for a title; `usual` is the median height of titles on frames, or 0 if there are few."""
    others = [line for line in frame.text_lines if line not in block.lines]
    beside = max((line.box[3] - line.box[1] for line in others), default=0.0)
    letters = sum(len(line_key(line)) for line in others)
    x0, y0, x1, y1 = block.box
    letter = max(map(letter_width, others), default=0.0)
    larger = block.height >= _LARGER * beside or max(map(letter_width, block.lines)) > SAME_SIZE * letter
    score = 1.0 if larger else 0.0
    score += 1.0 if _TOP <= (y0 + y1) / 2 <= _BOTTOM else 0.0
    score += 0.5 if abs((x0 + x1) / 2 - 0.5) <= _CENTRED else 0.0
    score += 0.5 if not others else 0.0
    if usual:
        score += 1.0 if block.height >= _LARGER * usual else -1.0 if usual >= _LARGER * block.height else 0.0
    if frame.time_s <= max(_SOON_S, _SOON_SHARE * duration_s):
        score += 1.0
    elif frame.time_s <= max(_EARLY_S, _EARLY_SHARE * duration_s):
        score += 0.5
    return score - (1.5 if letters > _MANY_LETTERS else 0.5 if letters > _FEW_LETTERS else 0.0)


def _repeated(block: TitleBlock, running: frozenset[str]) -> bool:
    whole = "".join(line_key(line) for line in block.lines)
    return any(len(key) >= 6 and (key in whole or whole in key) for key in running)


def _is_said(block: TitleBlock, spoken: set[str]) -> bool:
    own = {word for word in words(block.text.lower()) if len(word) > 3 or not word.isascii()}
    return len(own) >= 1 and 2 * len(own & spoken) >= len(own)


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other)
    return one == other or (matcher.real_quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE)
