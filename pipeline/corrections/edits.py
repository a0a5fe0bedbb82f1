"""What somebody wants to change in a video, and the corrections that record it."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pipeline.analysis.corrections import automatic, named_alone, spans_of
from pipeline.lake import VideoRecord
from pipeline.language import clean, format_time
from schemas.corrections import MAX_NAME_LENGTH, MAX_TEXT_LENGTH, CorrectedField, Correction, Span, standing
from schemas.errors import ConfigurationError
from schemas.records import Chapter, Utterance

_NEAR_S = 1.0
"""A time so close to an utterance means it."""
_SAME_S = 0.002


@dataclass(frozen=True, slots=True)
class Edit:
    """A value of a video that somebody wants to change."""

    field: CorrectedField
    value: str | None
    """The right value; None removes the topic `name`."""
    place: Span | None = None
    """Of the utterance or chapter; for a speaker None: throughout the video."""
    name: str | None = None
    """The speaker, by the automatic or the present name; empty for speech without one. Or the topic to remove."""


@dataclass(frozen=True, slots=True)
class _Change:
    """An edit, with the value that it replaces."""

    field: CorrectedField
    place: Span | None
    spans: tuple[Span, ...]
    from_value: str | None
    to_value: str | None


def utterance_at(video: VideoRecord, time_s: float) -> Utterance:
    """Return the utterance at a time; of two people who speak at once, the one who began last.

    Raises:
        ConfigurationError: Nobody speaks there.
    """
    inside = [each for each in video.utterances if each.start_s - 1e-6 <= time_s < each.end_s]
    if inside:
        return max(inside, key=lambda each: each.start_s)

    def away_s(utterance: Utterance) -> float:
        return max(utterance.start_s - time_s, time_s - utterance.end_s)

    nearest = min(video.utterances, key=away_s, default=None)
    if nearest is None or away_s(nearest) > _NEAR_S:
        hint = f" The nearest speech is at {format_time(nearest.start_s)}." if nearest else " The video has no speech."
        raise ConfigurationError(f"Nobody speaks at {format_time(time_s)} in {video.uri}.{hint}")
    return nearest


def chapter_at(video: VideoRecord, time_s: float) -> Chapter:
    """Return the chapter at a time.

    Raises:
        ConfigurationError: There is none.
    """
    for each in video.chapters:
        if each.start_s - 1e-6 <= time_s < each.end_s or each is video.chapters[-1]:
            return each
    raise ConfigurationError(f"{video.uri} has no chapters.")


def make_corrections(
    video: VideoRecord, edits: Iterable[Edit], events: Sequence[Correction], author: str
) -> list[Correction]:
    """Return the corrections that edits mean. What is right already is left out.

    Args:
        video: The video with its utterances.
        edits: What to change.
        events: All earlier corrections of the video.
        author: Who makes them.

    Raises:
        ConfigurationError: The video has no such utterance, speaker, chapter or topic, or a value is too long.
    """
    changes = [change for edit in edits for change in _changes(video, edit, standing(events))]
    made_at = _next_time(events)
    return [
        Correction(
            correction_id=uuid.uuid4().hex[:16],
            video_id=video.video_id,
            field=each.field,
            place=each.place,
            spans=each.spans,
            from_value=each.from_value,
            to_value=each.to_value,
            author=_author(author),
            made_at=made_at + timedelta(microseconds=number),
        )
        for number, each in enumerate(changes)
    ]


def make_undo(events: Sequence[Correction], correction: str, author: str) -> Correction:
    """Return the event that takes a correction back.

    Args:
        events: All corrections of the video.
        correction: Its id, or the start of its id.
        author: Who takes it back.

    Raises:
        ConfigurationError: The video has no such correction, several, or it does not hold any more.
    """
    found = [each for each in events if each.correction_id.startswith(correction)] if correction else []
    if len(found) != 1:
        how_many = "several corrections" if found else "no correction"
        raise ConfigurationError(
            f"The video has {how_many} {correction!r}. `videolake correct VIDEO --list` shows all."
        )
    undone = found[0]
    if undone not in standing(events):
        raise ConfigurationError(f"The correction {undone.correction_id} was taken back already.")
    return Correction(
        correction_id=uuid.uuid4().hex[:16],
        video_id=undone.video_id,
        field=undone.field,
        place=undone.place,
        spans=undone.spans,
        from_value=undone.to_value,
        to_value=undone.from_value,
        author=_author(author),
        made_at=_next_time(events),
        undoes=undone.correction_id,
    )


def _changes(video: VideoRecord, edit: Edit, holding: Sequence[Correction]) -> Iterator[_Change]:
    if edit.field == "text":
        yield from _text(video, edit)
    elif edit.field == "speaker":
        yield from _speaker(video, edit, holding)
    elif edit.field == "headline":
        yield from _headline(video, edit)
    elif edit.field == "chapter_title":
        yield from _chapter(video, edit)
    else:
        yield from _topic(video, edit)


def _text(video: VideoRecord, edit: Edit) -> Iterator[_Change]:
    utterance = _utterance(video, edit.place)
    value = _value(edit.value, "text", MAX_TEXT_LENGTH, allow_empty=True)
    if value != utterance.text:
        auto = utterance.text if utterance.auto_text is None else utterance.auto_text
        yield _Change("text", Span(utterance.start_s, utterance.end_s), (), auto, value)


def _speaker(video: VideoRecord, edit: Edit, holding: Sequence[Correction]) -> Iterator[_Change]:
    value = _value(edit.value, "name", MAX_NAME_LENGTH)
    if edit.place is not None:
        utterance = _utterance(video, edit.place)
        if value != utterance.speaker:
            yield _Change("speaker", Span(utterance.start_s, utterance.end_s), (), automatic(utterance).speaker, value)
        return
    recognised = [automatic(each) for each in video.utterances]
    name = edit.name or None
    pairs = list(zip(video.utterances, recognised, strict=True))
    meant = [n for n, (now, auto) in enumerate(pairs) if name in {now.speaker, auto.speaker}]
    if not meant:
        known = ", ".join(video.speakers) or "no speakers"
        raise ConfigurationError(f"{video.uri} has no speaker {edit.name!r}. It has {known}.")
    # A present name counts more than an automatic one, which somebody else may have now.
    named = [n for n in meant if pairs[n][0].speaker == name] or meant
    alone = named_alone(recognised, holding)
    for auto_name in dict.fromkeys(pairs[n][1].speaker for n in named if n not in alone):
        own = [n for n in named if pairs[n][1].speaker == auto_name]
        if any(pairs[n][0].speaker != value for n in own):
            yield _Change("speaker", None, spans_of(recognised, auto_name), auto_name, value)
    for now, auto in (pairs[n] for n in named if n in alone):
        # The voice keeps its name: this utterance was named apart from it.
        if now.speaker == name and now.speaker != value:
            yield _Change("speaker", Span(now.start_s, now.end_s), (), auto.speaker, value)


def _headline(video: VideoRecord, edit: Edit) -> Iterator[_Change]:
    value = _value(edit.value, "headline", MAX_NAME_LENGTH)
    summary = video.summary
    if value != summary.headline:
        auto = summary.headline if summary.auto_headline is None else summary.auto_headline
        yield _Change("headline", None, (), auto, value)


def _chapter(video: VideoRecord, edit: Edit) -> Iterator[_Change]:
    value = _value(edit.value, "title", MAX_NAME_LENGTH)
    place = edit.place
    found = next((each for each in video.chapters if place and abs(each.start_s - place.start_s) < _SAME_S), None)
    if found is None:
        raise ConfigurationError(f"{video.uri} has no such chapter any more. Reload it.")
    if value != found.title:
        autos = video.summary.auto_chapters or video.chapters
        auto = next((each.title for each in autos if each.start_s == found.start_s), found.title)
        yield _Change("chapter_title", Span(found.start_s, found.end_s), (), auto, value)


def _topic(video: VideoRecord, edit: Edit) -> Iterator[_Change]:
    known = {each.label.casefold(): each.label for each in video.summary.topics}
    known |= {
        each.label.casefold(): each.label for scene in video.scenes for each in scene.topics if edit.value is None
    }
    if edit.value is not None:
        value = _value(edit.value, "topic", MAX_NAME_LENGTH)
        if value.casefold() not in known:
            yield _Change("topics", None, (), None, value)
        return
    known |= {each.label.casefold(): each.label for scene in video.scenes for each in scene.topics}
    label = known.get((edit.name or "").strip().casefold())
    if label is None:
        listed = ", ".join(known.values()) or "no topics"
        raise ConfigurationError(f"{video.uri} has no topic {edit.name!r}. It has {listed}.")
    yield _Change("topics", None, (), label, None)


def _utterance(video: VideoRecord, place: Span | None) -> Utterance:
    for each in video.utterances:
        same = place and abs(each.start_s - place.start_s) < _SAME_S and abs(each.end_s - place.end_s) < _SAME_S
        if same:
            return each
    raise ConfigurationError(f"{video.uri} has no such utterance any more: it was analysed again meanwhile. Reload it.")


Kind = Literal["text", "name", "headline", "title", "topic"]


def _value(given: str | None, kind: Kind, max_length: int, *, allow_empty: bool = False) -> str:
    value = " ".join(clean(given or "").split())
    if not value and not allow_empty:
        raise ConfigurationError(f"The new {kind} is empty.")
    if len(value) > max_length:
        raise ConfigurationError(f"The new {kind} has {len(value)} characters; at most {max_length} can be kept.")
    return value


def _author(author: str) -> str:
    return " ".join(clean(author).split())[:MAX_NAME_LENGTH] or "unknown"


def _next_time(events: Sequence[Correction]) -> datetime:
    """Return the current time, or one after all events if another machine's clock is ahead."""
    last = max((each.made_at for each in events), default=None)
    now = datetime.now(UTC)
    return now if last is None else max(now, last + timedelta(microseconds=1))
