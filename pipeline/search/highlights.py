"""Why a moment was found, for people: the sentence, and where in it the words of the query are."""

from collections.abc import Collection

from pipeline.search.terms import terms_of

_LONGEST = 200
_BEFORE = 60
"""Characters shown before the first word that matched, in a text that is too long to show whole."""

Spans = tuple[tuple[int, int], ...]
"""First character and the one after the last of each word that matched, in order."""


def excerpt(text: str, words: Collection[str] = ()) -> tuple[str, Spans]:
    """Return a text on one line, cut around the words that matched, and where those are.

    Args:
        text: Of the moment.
        words: As `pipeline.search.terms` writes them.
    """
    line = " ".join(text.split())
    spans = _spans(line, words)
    if len(line) <= _LONGEST:
        return line, spans
    start = _cut(line, max(0, (spans[0][0] if spans else 0) - _BEFORE))
    end = _cut(line, start + _LONGEST) if start + _LONGEST < len(line) else len(line)
    if end <= start:
        end = start + _LONGEST
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


def _cut(line: str, place: int) -> int:
    """Return the begin of the word at a place; the place itself where a script has no spaces."""
    space = line.rfind(" ", max(0, place - 30), place + 1)
    return space + 1 if space >= 0 else place
