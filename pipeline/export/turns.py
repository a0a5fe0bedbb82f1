"""Who speaks when: stretches in which one person speaks, and those in which several do at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from schemas.records import Utterance

_BARELY_S = 0.3
"""Speakers who meet for less, and for less than half of what one says, take turns."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of speech in which what its speakers say belongs together; the next one starts after it."""

    voices: tuple[tuple[Utterance, ...], ...]
    """What each speaker says: one, or several who speak at once."""

    @property
    def at_once(self) -> bool:
        """Whether several speak."""
        return len(self.voices) > 1


def turns_of(utterances: Sequence[Utterance]) -> list[Turn]:
    """Divide speech into turns.

    Args:
        utterances: In order of time.

    Returns:
        Turns, in order; each utterance is in one. A turn of one speaker holds all that is said until another speaks.
    """
    turns: list[Turn] = []
    for alone, stretches in groupby(_stretches(utterances), key=_lone_speaker):
        if alone is None:
            turns += [Turn(_voices(stretch)) for stretch in stretches]
        else:
            turns.append(Turn((tuple(each for stretch in stretches for each in stretch),)))
    return turns


def _stretches(utterances: Sequence[Utterance]) -> Iterator[list[Utterance]]:
    """Yield utterances that overlap, or stand alone."""
    stretch: list[Utterance] = []
    end_s = 0.0
    for each in utterances:
        barely_s = min(_BARELY_S, max(0.0, each.end_s - each.start_s) / 2)
        if stretch and each.start_s >= end_s - barely_s:
            yield stretch
            stretch = []
        end_s = max(end_s, each.start_s, each.end_s) if stretch else max(each.start_s, each.end_s)
        stretch.append(each)
    if stretch:
        yield stretch


def _lone_speaker(stretch: Sequence[Utterance]) -> tuple[str | None] | None:
    """Return the only speaker, who may have no name; None where there are several."""
    speakers = {each.speaker for each in stretch}
    return (stretch[0].speaker,) if len(speakers) == 1 else None


def _voices(stretch: Sequence[Utterance]) -> tuple[tuple[Utterance, ...], ...]:
    speakers = dict.fromkeys(each.speaker for each in stretch)
    return tuple(tuple(each for each in stretch if each.speaker == speaker) for speaker in speakers)
