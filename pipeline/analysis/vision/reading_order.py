"""Reading order of text lines on a screen."""

from collections.abc import Sequence

from schemas.records import TextLine


def reading_order(lines: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """Order lines from top to bottom, and lines of the same row from left to right.

    Args:
        lines: Lines with boxes as fractions of the frame, in any order.

    Returns:
        The same lines. A line belongs to a row if its middle lies within the row's first line, and vice versa.
    """
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: (_middle(line), line.box[0])):
        if rows and _same_row(rows[-1][0], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda line: line.box[0]))


def _middle(line: TextLine) -> float:
    return (line.box[1] + line.box[3]) / 2


def _same_row(first: TextLine, other: TextLine) -> bool:
    return first.box[1] <= _middle(other) <= first.box[3] and other.box[1] <= _middle(first) <= other.box[3]
