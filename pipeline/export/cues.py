"""Divide speech into subtitles: short enough to be read in the time they are shown, broken where a reader breathes.

The limits are those that broadcasters and streaming services agree on, more or less: two lines of 42 characters, up to
20 characters a second (Chinese and Japanese: two lines of 16 full-width characters, 9 a second), shown for 1 to 7 s,
80 ms apart. Where to divide is found by dynamic programming over all words: first as little as possible over the
limits, then at ends of sentences, clauses and pauses, with few and even subtitles.

Where people speak at once, each has subtitles of their own, of one line, at the times of their own words: players show
them together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from pipeline.export.pieces import Piece, pieces_of
from pipeline.export.text import columns
from pipeline.export.turns import turns_of
from pipeline.language import ABBREVIATION, CLAUSE_END, SENTENCE_END, WIDE_LANGUAGES
from schemas.records import Utterance

DASH = "- "
"""Before what one of several says who are shown at once, where the format cannot name them."""
_LACKING = 1000.0
"""Cost of a second in which a subtitle should still be shown, and cannot; far above all that is a matter of taste."""
_LONG_PAUSE_S = 2.0
"""Nobody wants to read on over such a pause."""
_PAUSE_S = 0.3
_SHORTEST_S = 0.001
_SHORT_WORD = 3


_Voice = tuple[str | None, list[Piece]]
"""A speaker, and what they say."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a subtitle must keep to."""

    line_columns: int = 42
    """Width of a line; a Chinese, Japanese or Korean character takes two columns."""
    lines: int = 2
    """One or two."""
    columns_per_s: float = 20.0
    """Reading speed."""
    min_s: float = 1.0
    max_s: float = 7.0
    gap_s: float = 0.08
    """Between two subtitles, two frames at 25 a second."""


WIDE_LIMITS = Limits(line_columns=32, columns_per_s=18.0)
"""For Chinese, Japanese and Korean: 16 full-width characters a line, 9 a second."""


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
    """Whether it belongs to a stretch in which several speak at once: others may be shown with it."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The lines as text."""
        return tuple(joined(line) for line in self.lines)


def joined(pieces: Iterable[Piece]) -> str:
    """Return pieces as the text of one line."""
    return "".join(" " * piece.spaced * bool(number) + piece.text for number, piece in enumerate(pieces))


def make_cues(utterances: Sequence[Utterance], limits: Limits, *, translation: bool = False) -> list[Cue]:
    """Divide utterances into subtitles.

    All words of a speaker are in them once, in order. No line is wider than the limit, there are at most two, and no
    subtitle is shown longer than the limit. It is shown for less than its shortest time, or less than reading it takes,
    only where the words leave no other way. Subtitles of one speaker do not overlap; those of several do only where
    these speak at once, and then each is one line that leaves room for a dash.

    Args:
        utterances: In order of time.
        limits: What to keep to.
        translation: Take translations, where there are.

    Returns:
        In order of their starts.
    """
    turns: list[tuple[Limits, list[_Voice]]] = []
    clock_s = 0.0
    for turn in turns_of(utterances):
        kept = _limits_at_once(limits) if turn.at_once else limits
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
    """Return the pieces of what one speaker says, after all that was said before."""
    pieces: list[Piece] = []
    for utterance in voice:
        pieces += pieces_of(utterance, translation=translation, line_columns=limits.line_columns)
    return _in_order(pieces, clock_s)


def _in_order(pieces: Sequence[Piece], clock_s: float) -> list[Piece]:
    """Let no piece start before the one before it ends, whatever the aligner says of them."""
    ordered = []
    for piece in pieces:
        start_s = max(piece.start_s, clock_s)
        clock_s = max(piece.end_s, start_s + _SHORTEST_S)
        ordered.append(replace(piece, start_s=start_s, end_s=clock_s))
    return ordered


def divide(pieces: Sequence[Piece], next_s: float, limits: Limits) -> list[Sequence[Piece]]:
    """Divide one speaker's pieces into subtitles at the least cost.

    `best[j]` is the least cost of dividing the first `j` pieces; `back[j]` is where the last of these parts starts.

    Args:
        pieces: At least one, in order.
        next_s: When the next turn starts.
        limits: What to keep to.
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
    return following.start_s - piece.end_s > _LONG_PAUSE_S


def _needed_s(width: int, limits: Limits) -> float:
    return min(limits.max_s, max(limits.min_s, width / limits.columns_per_s))


def _end_cost(piece: Piece, following: Piece) -> float:
    """Return what it costs to end a subtitle, or a line, between two pieces."""
    if _ends_sentence(piece):
        return 0.0
    if CLAUSE_END.search(piece.text):
        return 0.3
    if not following.whole:
        return 1.5
    pause_s = min(0.5, max(0.0, following.start_s - piece.end_s))
    # Short words without a mark are articles and the like, which belong to what follows.
    return 1.0 - pause_s + 0.4 * (piece.spaced and len(piece.text) <= _SHORT_WORD)


def _inner_cost(piece: Piece, following: Piece) -> float:
    """Return what it costs that a subtitle goes on from one piece to the next."""
    pause_s = max(0.0, following.start_s - piece.end_s - _PAUSE_S)
    return 1.5 * pause_s + 0.35 * _ends_sentence(piece)


def _ends_sentence(piece: Piece) -> bool:
    return bool(SENTENCE_END.search(piece.text)) and not ABBREVIATION.match(piece.text)


def _lines(pieces: Sequence[Piece], limits: Limits) -> tuple[tuple[Piece, ...], ...]:
    """Break a subtitle into lines of about the same width, where a reader breathes."""
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
    """Show each subtitle as long as it takes to read, where the next one leaves time, and a little before that ends.

    Args:
        cues: Of one speaker, each as long as it is spoken.
        next_s: When the next turn starts.
        limits: What to keep to.
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
