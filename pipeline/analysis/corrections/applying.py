"""Apply the corrections of a video to what its analysis found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.analysis.corrections.speakers import correct_speakers
from pipeline.analysis.corrections.texts import correct_texts
from schemas.corrections import CorrectedField, Correction, Span
from schemas.records import Chapter, Label, Scene, Summary, Utterance

_MIN_OVERLAP = 0.5
"""Of the time that two chapters cover, so much must be common to both for them to be the same one."""


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """The results of a video with its corrections."""

    summary: Summary
    scenes: tuple[Scene, ...]
    unplaced: list[Correction]


def automatic(utterance: Utterance) -> Utterance:
    """Return an utterance as it was recognised."""
    if utterance.auto_speaker is not None:
        utterance = replace(utterance, speaker=utterance.auto_speaker or None, auto_speaker=None)
    if utterance.auto_text is None:
        return utterance
    return replace(
        utterance,
        text=utterance.auto_text,
        words=utterance.auto_words or (),
        flags=utterance.auto_flags or (),
        embedding=None,
        auto_text=None,
        auto_words=None,
        auto_flags=None,
    )


def apply_corrections(
    utterances: Sequence[Utterance], corrections: Sequence[Correction]
) -> tuple[tuple[Utterance, ...], list[Correction]]:
    """Apply corrections of what is said, and by whom.

    After a new analysis, texts are attached to the utterances that hold those words now, even if they are cut
    differently, and names to the speaker that is heard where the named one was.

    Args:
        utterances: As recognised, in order of time; or corrected before, which is undone first.
        corrections: The corrections that hold, oldest first; those of other fields are ignored.

    Returns:
        The utterances, and the corrections that no longer fit. Those are applied nowhere.
    """
    recognised = [automatic(each) for each in utterances]
    texts, unplaced = correct_texts(recognised, _of(corrections, "text"))
    named, unknown = correct_speakers(texts, _of(corrections, "speaker"))
    return tuple(named), [*unplaced, *unknown]


def correct_understanding(summary: Summary, scenes: Sequence[Scene], corrections: Sequence[Correction]) -> Corrected:
    """Apply corrections of the headline, of titles of chapters, and of topics.

    Args:
        summary: As the analysis made it, or corrected before.
        scenes: As the analysis made them, or corrected before.
        corrections: The corrections that hold, oldest first; those of other fields are ignored.
    """
    summary, scenes = _automatic_summary(summary), tuple(map(_automatic_scene, scenes))
    unplaced: list[Correction] = []
    for correction in _of(corrections, "headline"):
        auto = summary.headline if summary.auto_headline is None else summary.auto_headline
        summary = replace(summary, headline=correction.to_value or "", auto_headline=auto)
    chapters = list(summary.chapters)
    for correction in _of(corrections, "chapter_title"):
        found = same_chapter(chapters, correction.place)
        if found is None:
            unplaced.append(correction)
        else:
            chapters[found] = replace(chapters[found], title=correction.to_value or "")
    if tuple(chapters) != summary.chapters:
        summary = replace(summary, chapters=tuple(chapters), auto_chapters=summary.chapters)
    added, removed = _topics(_of(corrections, "topics"))
    topics = _with_topics(summary.topics, added, removed)
    if topics != summary.topics:
        summary = replace(summary, topics=topics, auto_topics=summary.topics)
    corrected = []
    for scene in scenes:
        kept = _with_topics(scene.topics, {}, removed)
        corrected.append(scene if kept == scene.topics else replace(scene, topics=kept, auto_topics=scene.topics))
    return Corrected(summary, tuple(corrected), unplaced)


def _of(corrections: Iterable[Correction], field: CorrectedField) -> list[Correction]:
    return [each for each in corrections if each.field == field]


def _automatic_summary(summary: Summary) -> Summary:
    return replace(
        summary,
        headline=summary.headline if summary.auto_headline is None else summary.auto_headline,
        chapters=summary.chapters if summary.auto_chapters is None else summary.auto_chapters,
        topics=summary.topics if summary.auto_topics is None else summary.auto_topics,
        auto_headline=None,
        auto_chapters=None,
        auto_topics=None,
    )


def _automatic_scene(scene: Scene) -> Scene:
    return scene if scene.auto_topics is None else replace(scene, topics=scene.auto_topics, auto_topics=None)


def same_chapter(chapters: Sequence[Chapter], place: Span | None) -> int | None:
    """Return the index of the chapter with about the same time; None if there is none."""
    if place is None:
        return None
    best, best_share = None, _MIN_OVERLAP
    for index, each in enumerate(chapters):
        own = Span(each.start_s, each.end_s)
        shared_s = own.shared_s(place)
        share = shared_s / max(1e-9, own.duration_s + place.duration_s - shared_s)
        if share > best_share:
            best, best_share = index, share
    return best


def _topics(corrections: Sequence[Correction]) -> tuple[dict[str, str], set[str]]:
    """Return the topics that were added, by their name without case, and those that were removed."""
    added: dict[str, str] = {}
    removed: set[str] = set()
    for correction in corrections:
        if correction.to_value is not None:
            added[correction.to_value.casefold()] = correction.to_value
            removed.discard(correction.to_value.casefold())
        elif correction.from_value is not None:
            removed.add(correction.from_value.casefold())
            added.pop(correction.from_value.casefold(), None)
    return added, removed


def _with_topics(topics: tuple[Label, ...], added: dict[str, str], removed: set[str]) -> tuple[Label, ...]:
    known = {each.label.casefold() for each in topics}
    new = [Label(name, 1.0) for key, name in added.items() if key not in known]
    return (*new, *(each for each in topics if each.label.casefold() not in removed))
