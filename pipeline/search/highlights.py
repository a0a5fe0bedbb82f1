"""Excerpts: the text that matched, shortened to one line, with the positions of the query's words."""

from collections.abc import Collection

from pipeline.search.terms import terms_of

_MAX_LENGTH = 200
_CONTEXT = 60
"""Characters shown before the first match if the text is too long to show whole."""

Spans = tuple[tuple[int, int], ...]
"""Start and end of each word that matched, in characters, half-open, in order."""


def excerpt(text: str, words: Collection[str] = ()) -> tuple[str, Spans]:
    """Return a text on one line, cut around the words that matched, and the spans of those words.

    Args:
        text: The text of a moment.
        words: The query's words, folded by `pipeline.search.terms`.
    """
    line = " ".join(text.split())
    spans = _spans(line, words)
    if len(line) <= _MAX_LENGTH:
        return line, spans
    start = _cut(line, max(0, (spans[0][0] if spans else 0) - _CONTEXT))
    end = _cut(line, start + _MAX_LENGTH) if start + _MAX_LENGTH < len(line) else len(line)
    if end <= start:
        end = start + _MAX_LENGTH
    head, tail = "…" if start else "", "…" if end < len(line) else ""
    moved = len(head) - start
    kept = tuple((first + moved, last + moved) for first, last in spans if first >= start and last <= end)
    return f"{head}{line[start:end].rstrip()}{tail}", kept


def _spans(line: str, words: Collection[str]) -> Spans:
    if not words:
        return ()
    merged: list[tuple[int, int]] = []
    for term in terms_of(line):
        if term.text not in words:
            continue
        if merged and term.start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(term.end, merged[-1][1]))
        else:
            merged.append((term.start, term.end))
    return tuple(merged)


def _cut(line: str, position: int) -> int:
    """Return the start of the word at a position; the position itself in a script without spaces."""
    space = line.rfind(" ", max(0, position - 30), position + 1)
    return space + 1 if space >= 0 else position
