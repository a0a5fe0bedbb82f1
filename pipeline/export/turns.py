"""Turns of speech: periods in which one person speaks, or several speak at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from schemas.records import Utterance

_BARELY_S = 0.3
"""Speakers take turns if they overlap for less than this, and for less than half of an utterance."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A period of speech by one speaker, or by several at once. The next turn starts after it."""

    voices: tuple[tuple[Utterance, ...], ...]
    """Utterances of each speaker."""

    @property
    def at_once(self) -> bool:
        """Whether several speakers speak at once."""
        return len(self.voices) > 1


def turns_of(utterances: Sequence[Utterance]) -> list[Turn]:
    """Divide speech into turns.

    Args:
        utterances: In order of time.

    Returns:
        Turns in order. Each utterance is in one turn. A turn of one speaker lasts until another one speaks.
    """
    turns: list[Turn] = []
    for alone, groups in groupby(_overlapping(utterances), key=_lone_speaker):
        if alone is None:
            turns += [Turn(_voices(group)) for group in groups]
        else:
            turns.append(Turn((tuple(each for group in groups for each in group),)))
    return turns


def _overlapping(utterances: Sequence[Utterance]) -> Iterator[list[Utterance]]:
    """Yield groups of utterances that overlap."""
    group: list[Utterance] = []
    end_s = 0.0
    for each in utterances:
        barely_s = min(_BARELY_S, max(0.0, each.end_s - each.start_s) / 2)
        if group and each.start_s >= end_s - barely_s:
            yield group
            group = []
        end_s = max(end_s, each.start_s, each.end_s) if group else max(each.start_s, each.end_s)
        group.append(each)
    if group:
        yield group


def _lone_speaker(group: Sequence[Utterance]) -> tuple[str | None] | None:
    """Return the only speaker, who may have no name, as a tuple; None for several speakers."""
    speakers = {each.speaker for each in group}
    return (group[0].speaker,) if len(speakers) == 1 else None


def _voices(group: Sequence[Utterance]) -> tuple[tuple[Utterance, ...], ...]:
    speakers = dict.fromkeys(each.speaker for each in group)
    return tuple(tuple(each for each in group if each.speaker == speaker) for speaker in speakers)
