"""The input of a model: a video's words by chapter, in pieces that fit its context window, and the prompt."""

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
    """The speech and on-screen text of a chapter."""

    title: str
    sentences: tuple[str, ...]


def passages(statements: Sequence[Statement], chapters: Sequence[Chapter]) -> list[Passage]:
    """Return the speech and on-screen text of each chapter, in order of time; chapters without words are left out.

    Args:
        statements: From speech and screen.
        chapters: They cover the video.
    """
    ordered = sorted(statements, key=lambda each: (each.start_s, each.end_s))
    found = []
    for chapter in chapters:
        inside = tuple(each.text for each in ordered if chapter.start_s <= each.start_s < chapter.end_s)
        if inside:
            found.append(Passage(chapter.title, inside))
    return found


def pieces(read: Sequence[Passage], count: Callable[[str], int], max_tokens: int) -> list[str]:
    """Pack passages into as few texts as possible, in order; only a passage that is too long is divided.

    Args:
        read: The passages.
        count: Counts the tokens of a text.
        max_tokens: Limit for each text. A single sentence may exceed it, as a separate text.
    """
    blocks: list[tuple[str, int]] = []
    for passage in read:
        blocks += _blocks(passage.sentences, count, max_tokens)
    texts: list[str] = []
    filled = max_tokens + 1
    for text, tokens in blocks:
        if filled + tokens + 1 > max_tokens:
            texts.append(text)
            filled = tokens
        else:
            texts[-1] += f"\n{text}"
            filled += tokens + 1
    return texts


def prompt(text: str, *, count: int, partial: bool, instructed: bool) -> str:
    """Return the prompt: the text alone for a summarizer, with a task for an instruct model.

    Args:
        text: The words of the video, or summaries of its parts.
        count: Maximum number of sentences to ask for.
        partial: Whether the text is summaries of parts.
        instructed: Whether the model follows instructions.
    """
    if not instructed:
        return text
    what = "notes on the parts of a video" if partial else "transcript of a video"
    return _TASK.format(what=what, count=count, text=text)


def _blocks(parts: Sequence[str], count: Callable[[str], int], max_tokens: int) -> list[tuple[str, int]]:
    whole = " ".join(parts)
    tokens = count(whole)
    if tokens <= max_tokens:
        return [(whole, tokens)]
    blocks: list[tuple[str, int]] = []
    for part in (piece for each in parts for piece in sentences(each)):
        length = count(part)
        if blocks and blocks[-1][1] + length + 1 <= max_tokens:
            text, filled = blocks[-1]
            blocks[-1] = (f"{text} {part}", filled + length + 1)
        else:
            blocks.append((part, length))
    return blocks
