"""Split speech into subtitles: short enough to read while they are shown, with breaks at natural pauses.

The limits are roughly those of broadcasters and streaming services: two lines of 42 characters, up to 20 characters per
second (Chinese and Japanese: two lines of 16 full-width characters, 9 per second), shown for 1 to 7 s, 80 ms apart.
Dynamic programming over all words finds the splits. It first exceeds the limits as little as possible. It then prefers
ends of sentences, clauses and pauses, and few subtitles of even length.

When people speak at once, each gets their own one-line subtitles at the times of their own words. Players show them
together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from pipeline.export.pieces import Piece, pieces_of
from pipeline.export.text import columns
from pipeline.export.turns import turns_of
from pipeline.language import ABBREVIATION, CLAUSE_END, SENTENCE_END, WIDE_LANGUAGES
from schemas.records import Utterance

NOTE = "♪"
"""Stands before and after what is sung, as in broadcasters' subtitles."""
DASH = "- "
"""Marks each of several speakers shown at once, in formats that cannot name them."""
_LACKING = 1000.0
"""Cost of each missing second of display time; far above the costs of style."""
_LONG_PAUSE_S = 2.0
"""A subtitle never spans a longer pause."""
_PAUSE_S = 0.3
_SHORTEST_S = 0.001
_SHORT_WORD = 3


_Voice = tuple[str | None, list[Piece]]
"""A speaker, and the pieces of their speech."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a subtitle."""

    line_columns: int = 42
    """Width of a line. A Chinese, Japanese or Korean character takes two columns."""
    lines: int = 2
    """One or two."""
    columns_per_s: float = 20.0
    """Reading speed."""
    min_s: float = 1.0
    max_s: float = 7.0
    gap_s: float = 0.08
    """Between two subtitles: two frames at 25 frames per second."""


WIDE_LIMITS = Limits(line_columns=32, columns_per_s=18.0)
"""For Chinese, Japanese and Korean: 16 full-width characters per line, 9 per second."""


def limits_for(language: str | None) -> Limits:
    """Return the usual limits of a language (ISO 639-1)."""
    return WIDE_LIMITS if language in WIDE_LANGUAGES else Limits()


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle."""

    start_s: float
    end_s: float
    lines: tuple[tuple[Piece, ...], ...]
    """One or two."""
    speaker: str | None
    at_once: bool = False
    """Whether several people speak at once, so that other subtitles may be shown with it."""

    @property
    def sung(self) -> bool:
        """Whether it is sung. No subtitle is sung in part."""
        return self.lines[0][0].sung

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each line, with notes before and after what is sung."""
        return self.noted([joined(line) for line in self.lines])

    def noted(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Return lines of this subtitle, with notes before and after what is sung."""
        if not self.sung:
            return tuple(lines)
        return tuple(
            f"{f'{NOTE} ' * (number == 0)}{line}{f' {NOTE}' * (number == len(lines) - 1)}"
            for number, line in enumerate(lines)
        )


def joined(pieces: Iterable[Piece]) -> str:
    """Return the text of one line of pieces."""
    return "".join(" " * piece.spaced * bool(number) + piece.text for number, piece in enumerate(pieces))


def make_cues(utterances: Sequence[Utterance], limits: Limits, *, translation: bool = False) -> list[Cue]:
    """Split utterances into subtitles.

    Subtitles contain each word of a speaker once, in order. They have at most two lines, no line is wider than the
    limit, and none is shown longer than the limit. A subtitle is shown for less than the minimum time, or less than
    reading it takes, only if the words leave no other choice. Subtitles of one speaker do not overlap. Those of several
    speakers overlap only when they speak at once. Then each has one line that leaves room for a dash.

    Args:
        utterances: Utterances in order of time.
        limits: Limits of subtitles.
        translation: Use translations of utterances that have one.

    Returns:
        Subtitles in order of their starts.
    """
    turns: list[tuple[Limits, list[_Voice]]] = []
    clock_s = 0.0
    for turn in turns_of(utterances):
        kept = _limits_at_once(limits) if turn.at_once else limits
        if any(each.sung for voice in turn.voices for each in voice):
            kept = replace(kept, line_columns=kept.line_columns - 2 * columns(f"{NOTE} "))
        voices = [(voice[0].speaker, _pieces(voice, kept, clock_s, translation=translation)) for voice in turn.voices]
        voices = [(speaker, pieces) for speaker, pieces in voices if pieces]
        if voices:
            turns.append((kept, voices))
            clock_s = max(pieces[-1].end_s for _, pieces in voices)
    starts_s = [*(min(pieces[0].start_s for _, pieces in voices) for _, voices in turns), float("inf")]
    cues: list[Cue] = []
    for (kept, voices), next_s in zip(turns, starts_s[1:], strict=True):
        for speaker, pieces in voices:
            shown = [
                Cue(part[0].start_s, part[-1].end_s, _lines(part, kept), speaker, at_once=len(voices) > 1)
                for part in divide(pieces, next_s, kept)
            ]
            cues += _timed(shown, next_s, kept)
    return sorted(cues, key=lambda cue: cue.start_s)


def _limits_at_once(limits: Limits) -> Limits:
    return replace(limits, lines=1, line_columns=limits.line_columns - columns(DASH))


def _pieces(voice: Sequence[Utterance], limits: Limits, clock_s: float, *, translation: bool) -> list[Piece]:
    """Return the pieces of one speaker, none of which starts before `clock_s`."""
    pieces: list[Piece] = []
    for utterance in voice:
        pieces += pieces_of(utterance, translation=translation, line_columns=limits.line_columns)
    return _in_order(pieces, clock_s)


def _in_order(pieces: Sequence[Piece], clock_s: float) -> list[Piece]:
    """Move each piece after the end of the one before, even if the aligner says otherwise."""
    ordered = []
    for piece in pieces:
        start_s = max(piece.start_s, clock_s)
        clock_s = max(piece.end_s, start_s + _SHORTEST_S)
        ordered.append(replace(piece, start_s=start_s, end_s=clock_s))
    return ordered


def divide(pieces: Sequence[Piece], next_s: float, limits: Limits) -> list[Sequence[Piece]]:
    """Split one speaker's pieces into subtitles at minimum cost.

    `best[j]` is the minimum cost of splitting the first `j` pieces; `back[j]` is the start of the last subtitle.

    Args:
        pieces: One or more pieces, in order.
        next_s: Start of the next turn.
        limits: Limits of subtitles.
    """
    count = len(pieces)
    widths = [piece.width for piece in pieces]
    starts_s = [*(piece.start_s for piece in pieces), next_s]
    ends = [_end_cost(piece, following) for piece, following in pairwise(pieces)] + [0.0]
    inner = [_inner_cost(piece, following) for piece, following in pairwise(pieces)] + [0.0]
    best = [0.0] + [float("inf")] * count
    back = [0] * (count + 1)
    for start in range(count):
        line, total, lines, within = 0, 0, 1, 0.0
        for end in range(start + 1, count + 1):
            piece = pieces[end - 1]
            step = widths[end - 1] + (piece.spaced and end - 1 > start)
            total += step
            line += step
            if line > limits.line_columns:
                line, lines = widths[end - 1], lines + 1
            long = piece.end_s - pieces[start].start_s > limits.max_s
            if end > start + 1 and (lines > limits.lines or long or _apart(pieces[end - 2], piece)):
                break
            room_s = starts_s[end] - limits.gap_s - starts_s[start]
            lack_s = max(0.0, _needed_s(total, limits) - room_s)
            fullness = total / (limits.lines * limits.line_columns)
            cost = best[start] + 1 + _LACKING * lack_s + within + ends[end - 1] + fullness**2 / 2
            if cost < best[end]:
                best[end], back[end] = cost, start
            within += inner[end - 1]
    cuts = [count]
    while cuts[-1] > 0:
        cuts.append(back[cuts[-1]])
    return [pieces[start:end] for end, start in pairwise(cuts)][::-1]


def _apart(piece: Piece, following: Piece) -> bool:
    return following.start_s - piece.end_s > _LONG_PAUSE_S or following.sung != piece.sung


def _needed_s(width: int, limits: Limits) -> float:
    return min(limits.max_s, max(limits.min_s, width / limits.columns_per_s))


def _end_cost(piece: Piece, following: Piece) -> float:
    """Return the cost of ending a subtitle or a line between two pieces."""
    if _ends_sentence(piece):
        return 0.0
    if CLAUSE_END.search(piece.text):
        return 0.3
    if not following.whole:
        return 1.5
    pause_s = min(0.5, max(0.0, following.start_s - piece.end_s))
    # Short words without a mark are often articles, which belong to the next word.
    return 1.0 - pause_s + 0.4 * (piece.spaced and len(piece.text) <= _SHORT_WORD)


def _inner_cost(piece: Piece, following: Piece) -> float:
    """Return the cost of continuing a subtitle from one piece to the next."""
    pause_s = max(0.0, following.start_s - piece.end_s - _PAUSE_S)
    return 1.5 * pause_s + 0.35 * _ends_sentence(piece)


def _ends_sentence(piece: Piece) -> bool:
    return bool(SENTENCE_END.search(piece.text)) and not ABBREVIATION.match(piece.text)


def _lines(pieces: Sequence[Piece], limits: Limits) -> tuple[tuple[Piece, ...], ...]:
    """Break a subtitle into lines of similar width, at a natural pause if possible."""
    if _width(pieces) <= limits.line_columns:
        return (tuple(pieces),)

    def cost(cut: int) -> float:
        upper, lower = _width(pieces[:cut]), _width(pieces[cut:])
        over = max(0, upper - limits.line_columns) + max(0, lower - limits.line_columns)
        return 1000.0 * over + 3 * abs(upper - lower) / limits.line_columns + _end_cost(pieces[cut - 1], pieces[cut])

    cut = min(range(1, len(pieces)), key=cost)
    return tuple(pieces[:cut]), tuple(pieces[cut:])


def _width(pieces: Sequence[Piece]) -> int:
    return sum(piece.width + (piece.spaced and number > 0) for number, piece in enumerate(pieces))


def _timed(cues: Sequence[Cue], next_s: float, limits: Limits) -> list[Cue]:
    """Extend each subtitle to its reading time, as far as the next one allows, with a gap before it.

    Args:
        cues: Subtitles of one speaker, each as long as its speech.
        next_s: Start of the next turn.
        limits: Limits of subtitles.
    """
    timed = []
    for cue, following in zip_longest(cues, cues[1:]):
        width = _width([piece for line in cue.lines for piece in line])
        wanted_s = max(cue.end_s, cue.start_s + _needed_s(width, limits))
        end_s = min(wanted_s, cue.start_s + limits.max_s)
        following_s = following.start_s if following else next_s
        gap_s = min(limits.gap_s, (following_s - cue.start_s) / 2)
        timed.append(replace(cue, end_s=min(end_s, following_s - gap_s)))
    return timed
