"""Corrections of who speaks, in one utterance or in the whole video."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from schemas.corrections import MAX_SPANS, Correction, Span
from schemas.records import Utterance

_MIN_SHARE = 0.5
"""Of the time in which a speaker was heard, so much must be of one speaker in another analysis."""
_MIN_FOUND = 0.3
"""And so much of it must be speech at all."""


def spans_of(utterances: Sequence[Utterance], speaker: str | None) -> tuple[Span, ...]:
    """Return the longest utterances of a speaker, to find the voice again in another analysis.

    Args:
        utterances: As recognised.
        speaker: The automatic name; None for those without one.
    """
    own = [Span(each.start_s, each.end_s) for each in utterances if each.speaker == speaker]
    return tuple(sorted(own, key=lambda span: (-span.duration_s, span.start_s))[:MAX_SPANS])


def named_alone(utterances: Sequence[Utterance], corrections: Sequence[Correction]) -> frozenset[int]:
    """Return the positions of utterances whose speaker was corrected for them alone.

    Args:
        utterances: In order of time.
        corrections: The corrections that hold.
    """
    places = [each.place for each in corrections if each.field == "speaker" and each.place is not None]
    return frozenset(index for index, each in enumerate(utterances) if any(_mostly_in(each, place) for place in places))


def correct_speakers(
    utterances: Sequence[Utterance], corrections: Sequence[Correction]
) -> tuple[list[Utterance], list[Correction]]:
    """Apply the names that people gave to speakers. Speakers with the same name become one.

    Args:
        utterances: In order of time, with automatic names.
        corrections: Corrections of speakers, oldest first.

    Returns:
        The utterances, with the automatic name beside a new one; and the corrections that no longer fit.
    """
    names: dict[str | None, str] = {}
    single: dict[int, str] = {}
    unplaced = []
    for correction in corrections:  # so newer ones win
        to = correction.to_value or ""
        if correction.place is not None:
            found = [index for index, each in enumerate(utterances) if _mostly_in(each, correction.place)]
            single |= dict.fromkeys(found, to)
            placed = bool(found)
        else:
            speaker, placed = _speaker_now(utterances, correction)
            if placed:
                names[speaker] = to
        if not placed:
            unplaced.append(correction)
    named = []
    for index, each in enumerate(utterances):
        name = single.get(index, names.get(each.speaker, each.speaker or ""))
        changed = name != (each.speaker or "")
        named.append(replace(each, speaker=name, auto_speaker=each.speaker or "") if changed else each)
    return named, unplaced


def _mostly_in(utterance: Utterance, place: Span) -> bool:
    own = Span(utterance.start_s, utterance.end_s)
    return own.shared_s(place) >= own.duration_s / 2 and own.shared_s(place) > 0


def _speaker_now(utterances: Sequence[Utterance], correction: Correction) -> tuple[str | None, bool]:
    """Return the automatic name of a speaker now, and whether there is one: names are only valid in one analysis."""
    heard_s: dict[str | None, float] = defaultdict(float)
    for utterance in utterances:
        own = Span(utterance.start_s, utterance.end_s)
        heard_s[utterance.speaker] += sum(own.shared_s(span) for span in correction.spans)
    total_s = sum(heard_s.values())
    if not total_s or total_s < _MIN_FOUND * sum(span.duration_s for span in correction.spans):
        return None, False
    speaker, seconds = max(heard_s.items(), key=lambda pair: pair[1])
    return speaker, seconds > _MIN_SHARE * total_s
