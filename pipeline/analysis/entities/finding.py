"""Find the names in the speech, on-screen text and subtitles of a video."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.analysis.corrections import TextClock
from pipeline.analysis.entities.casing import mixed_case_words, recased
from pipeline.analysis.entities.dates import explicit_dates, is_calendar_date
from pipeline.analysis.entities.forms import trimmed
from pipeline.analysis.entities.known_names import KnownNames
from pipeline.analysis.entities.merging import FoundName, merged
from pipeline.analysis.entities.recognizer import ENGLISH, EntityRecognizer
from pipeline.analysis.entities.spans import NameSpan, disjoint
from pipeline.analysis.entities.written_names import coded_names
from pipeline.analysis.entities.written_out import people, works
from pipeline.analysis.gazetteer import Gazetteer, KnownName
from pipeline.analysis.scenes import shown_spans
from pipeline.language import is_ordinary
from schemas.entities import EntityKind
from schemas.records import (
    Analysis,
    Entity,
    Keyframe,
    Occurrence,
    OccurrenceSource,
    Utterance,
    frame_id,
    subtitle_id,
    utterance_id,
)

_MAX_LENGTH = 100
"""Characters. Longer "names" are misread lines."""
_INNER_CAPITAL = re.compile(r"[A-Z]?[a-z]+[A-Z]\w*")
_PARTICLE = re.compile(r"(Mc|Mac|De|Di|Da|Du|La|Le|Van|Von|O|Fitz)[A-Z]")
_LONE_YEAR = re.compile(r"(?<![\w.,-])(1[5-9][0-9]{2}|20[0-9]{2})(?=\s*(?:$|[:,;|)]|\s[-–]\s))")


@dataclass(frozen=True, slots=True)
class _Text:
    """A text to search, with what tells where and when its parts occur."""

    read: str
    """What the recogniser reads; of the same length as `text`."""
    text: str
    language: str
    source: OccurrenceSource
    id: str
    span_s: Callable[[int, int], tuple[float, float]]
    """Time range of a part, by its first character and the one after its last."""
    utterance: Utterance | None = None
    """Of speech whose words may be misheard."""


def find_entities(
    found: Analysis, recognizer: EntityRecognizer | None, known: KnownNames, *, video_id: str
) -> tuple[Entity, ...]:
    """Find the people, places, organisations, dates and works that a video names.

    Args:
        found: What was heard, written and subtitled, with its corrections.
        recognizer: The model; None finds only the names of the gazetteer.
        known: Names that the user knows.
        video_id: Prefix of the ids of utterances, frames and lines of subtitles.

    Returns:
        The names in order of their first occurrence.
    """
    texts = list(_texts(found, video_id))
    read = [each.read for each in texts]
    spans = recognizer.recognize(read, [each.language for each in texts]) if recognizer else [[] for _ in texts]
    found_in = [
        list(_spans(each, own, known, rules=recognizer is not None)) for each, own in zip(texts, spans, strict=True)
    ]
    names = [
        _name(each, span, from_gazetteer=listed)
        for each, own in zip(texts, found_in, strict=True)
        for span, listed in own
    ]
    again = KnownNames(_certain(merged(names, known.gazetteer)))
    for each, own in zip(texts, found_in, strict=True):
        missed = disjoint([*(span for span, _ in own), *again.spans(each.text)])
        names += [_name(each, span, from_gazetteer=False) for span in missed if all(span != other for other, _ in own)]
    return merged(names, known.gazetteer)


def _certain(entities: Sequence[Entity]) -> Gazetteer:
    """Return the names that are looked for where the model missed them.

    They are those with a word that is not ordinary, and the family names of people that no other name contains.
    """
    words = Counter(word for each in entities for word in set(each.normal.split()))
    names = []
    for each in entities:
        parts = each.text.split()
        if each.kind == "date" or all(map(is_ordinary, parts)):
            continue
        last = parts[-1]
        alone = len(parts) > 1 and each.kind == "person" and words[last.casefold()] == 1 and not is_ordinary(last)
        names.append(KnownName(each.text, each.kind, None, (last,) if alone else ()))
    return Gazetteer(tuple(names))


def _texts(found: Analysis, video_id: str) -> Iterator[_Text]:
    spoken = found.transcript.language or ENGLISH
    for utterance in found.transcript.utterances:
        if utterance.text:
            clock = TextClock(utterance)
            yield _Text(
                utterance.text, utterance.text, utterance.language, "speech", utterance_id(video_id, utterance.index),
                lambda start, end, clock=clock: (clock.at(start), clock.at(end, ending=True)),  # type: ignore[misc]
                utterance if utterance.auto_text is None else None,
            )  # fmt: skip
    known = mixed_case_words(_running_text(found))
    spans_s = shown_spans(found.keyframes, found.duration_s, found.shots)
    for shown_s, frame in zip(spans_s, found.keyframes, strict=True):
        for line in _lines(frame):
            yield _Text(
                recased(line, known), line, spoken, "screen", frame_id(video_id, frame.index),
                lambda _start, _end, shown_s=shown_s: shown_s,  # type: ignore[misc]
            )  # fmt: skip
    for subtitle in found.subtitles:
        span_s = subtitle.start_s, subtitle.end_s
        yield _Text(
            subtitle.text.replace("\n", " "), subtitle.text.replace("\n", " "), subtitle.language or spoken, "subtitle",
            subtitle_id(video_id, subtitle.index), lambda _start, _end, span_s=span_s: span_s,  # type: ignore[misc]
        )  # fmt: skip


def _running_text(found: Analysis) -> Iterator[str]:
    yield from (each.text for each in found.transcript.utterances)
    yield from (line for frame in found.keyframes for line in _lines(frame))
    yield from (each.text for each in found.subtitles)


def _lines(frame: Keyframe) -> list[str]:
    return [line.text for line in frame.text_lines if line.text.strip()]


def _spans(
    text: _Text, recognized: Sequence[NameSpan], known: KnownNames, *, rules: bool
) -> Iterator[tuple[NameSpan, bool]]:
    """Yield the names in a text, and whether the gazetteer knows each; its names count before those of the model."""
    listed = known.spans(text.text)
    dates = list(_dates(text)) if rules and text.language == ENGLISH else []
    judged = [each for span in recognized if (each := _judged(text, span)) is not None]
    coded = [
        NameSpan(start, end, "work")
        for start, end in coded_names(text.text)
        if rules and not any(each.kind == "organisation" and each.start <= start and end <= each.end for each in judged)
    ]
    wording = list(_by_wording(text, judged)) if rules and text.language == ENGLISH else []
    from_gazetteer = set(listed)
    for span in disjoint([*listed, *dates, *coded, *wording, *judged]):
        yield span, span in from_gazetteer


def _dates(text: _Text) -> Iterator[NameSpan]:
    for start, end in explicit_dates(text.read):
        yield NameSpan(*trimmed(text.read, start, end), "date")
    if text.source == "screen":
        yield from (NameSpan(*match.span(1), "date") for match in _LONE_YEAR.finditer(text.read))


def _by_wording(text: _Text, judged: Sequence[NameSpan]) -> Iterator[NameSpan]:
    """Yield people and works that the wording gives away, unless the model sees a longer name: `James Cook Bay`."""
    for start, end in people(text.read):
        if not any(each.start <= start and end < each.end for each in judged):
            yield NameSpan(start, end, "person")
    if text.source == "screen":
        yield from (NameSpan(start, end, "work") for start, end in works(text.read))


def _judged(text: _Text, span: NameSpan) -> NameSpan | None:
    """Return a name as it is kept: without article and marks; None for what is no name."""
    start, end = trimmed(text.read, span.start, span.end)
    name = text.read[start:end]
    if span.kind == "date":
        keep = text.language != ENGLISH or is_calendar_date(name)
        return NameSpan(start, end, "date") if keep and start < end else None
    if _starts_with_ordinary_word(text.read, start, name):
        return None
    letters = sum(map(str.isalpha, name))
    if letters < 2 or len(name) > _MAX_LENGTH or "\n" in name:
        return None
    if not any(map(str.isupper, name)) and any(map(str.islower, name)):
        # A name has a capital in all languages that have them; without any, the model guessed.
        return None
    return NameSpan(start, end, _kind(name, span.kind))


def _starts_with_ordinary_word(text: str, start: int, name: str) -> bool:
    """Return whether a name is one ordinary word that begins a line or a sentence, where any word has a capital."""
    before = text[:start].rstrip(" \"'“\u2018(•*·-–—#0123456789.:")
    begins = not before or before[-1] in "!?;\n" or text[:start].rstrip()[-1:] in ".:"
    return begins and name.isalpha() and name.istitle() and is_ordinary(name)


def _kind(name: str, kind: EntityKind) -> EntityKind:
    """Return the kind of a name. People and places have no capital within a word, as `OpenAI` has."""
    if kind in {"person", "place"} and _INNER_CAPITAL.fullmatch(name) and not _PARTICLE.match(name):
        return "organisation"
    if kind == "person" and " " in name and all(map(is_ordinary, name.split())):
        # The names of people have a word of their own; "Common Crawl" has none.
        return "organisation"
    return kind


def _name(text: _Text, span: NameSpan, *, from_gazetteer: bool) -> FoundName:
    start_s, end_s = text.span_s(span.start, span.end)
    occurrence = Occurrence(text.source, text.id, start_s, max(start_s, end_s), text.text[span.start : span.end])
    probability = _probability(text.utterance, occurrence) if text.utterance else 1.0
    return FoundName(text.read[span.start : span.end], span.kind, occurrence, from_gazetteer, probability)


def _probability(utterance: Utterance, occurrence: Occurrence) -> float:
    """Return the probability of the least certain word of a name; 1 if words have no times."""
    inside = (
        word.probability
        for word in utterance.words
        if occurrence.start_s <= (word.start_s + word.end_s) / 2 <= occurrence.end_s
    )
    return min(inside, default=1.0)
