"""What a model gets to read: a video's words by chapter, in pieces that fit its window, and what it is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.analysis.summary.statements import Statement
from pipeline.language import sentences
from schemas.records import Chapter

_TASK = (
    "Summarise the following {what} in at most {count} short sentences, in the language it is in. State only what is "
    "in it, with its own names and numbers; add nothing, and do not speak of the video, the speaker or this task.\n\n"
    "{text}\n\nSummary:"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """The words of a chapter."""

    title: str
    sentences: tuple[str, ...]


def passages(statements: Sequence[Statement], chapters: Sequence[Chapter]) -> list[Passage]:
    """Gather what is said and written in each chapter, in order of time; chapters without words are left out.

    Args:
        statements: Spoken and written ones.
        chapters: They cover the video.
    """
    ordered = sorted(statements, key=lambda each: (each.start_s, each.end_s))
    found = []
    for chapter in chapters:
        inside = tuple(each.text for each in ordered if chapter.start_s <= each.start_s < chapter.end_s)
        if inside:
            found.append(Passage(chapter.title, inside))
    return found


def pieces(read: Sequence[Passage], count: Callable[[str], int], room: int) -> list[str]:
    """Pack passages into as few texts as fit, in order; a passage is divided only where it does not fit by itself.

    Args:
        read: The passages.
        count: Counts the tokens of a text.
        room: Tokens of a text at most; a single sentence that is longer is a text of its own.
    """
    blocks: list[tuple[str, int]] = []
    for passage in read:
        blocks += _blocks(passage.sentences, count, room)
    texts: list[str] = []
    filled = room + 1
    for text, tokens in blocks:
        if filled + tokens + 1 > room:
            texts.append(text)
            filled = tokens
        else:
            texts[-1] += f"\n{text}"
            filled += tokens + 1
    return texts


def prompt(text: str, *, count: int, partial: bool, instructed: bool) -> str:
    """Return what to give a model: the text alone for a summarizer, with a task for an instruct model.

    Args:
        text: The words of the video, or partial summaries of it.
        count: Sentences wanted.
        partial: Whether the text is such summaries.
        instructed: Whether the model is told what to do.
    """
    if not instructed:
        return text
    what = "notes on the parts of a video" if partial else "transcript of a video"
    return _TASK.format(what=what, count=count, text=text)


def _blocks(parts: Sequence[str], count: Callable[[str], int], room: int) -> list[tuple[str, int]]:
    whole = " ".join(parts)
    tokens = count(whole)
    if tokens <= room:
        return [(whole, tokens)]
    blocks: list[tuple[str, int]] = []
    for part in (piece for each in parts for piece in sentences(each)):
        length = count(part)
        if blocks and blocks[-1][1] + length + 1 <= room:
            text, filled = blocks[-1]
            blocks[-1] = (f"{text} {part}", filled + length + 1)
        else:
            blocks.append((part, length))
    return blocks
