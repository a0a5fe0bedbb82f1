"""Which corrections an edit means."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

from pipeline.analysis.corrections import apply_corrections
from pipeline.corrections import Edit
from pipeline.corrections.edits import make_corrections
from pipeline.lake import VideoRecord
from schemas.corrections import Correction, Span, standing
from schemas.records import Utterance


def said(index: int, speaker: str) -> Utterance:
    return Utterance(index, index * 5.0, index * 5.0 + 4, "some words", "en", speaker, (), -0.3, 0.1, 1.2, ())


def speakers_after(utterances: Sequence[Utterance], *edits: Edit) -> list[str | None]:
    """Return who speaks after edits that somebody makes one after another."""
    events: list[Correction] = []
    now = tuple(utterances)
    for edit in edits:
        names = {each.speaker for each in now}
        video = SimpleNamespace(video_id="v", uri="v.mp4", utterances=now, speakers=names)
        events += make_corrections(cast("VideoRecord", video), [edit], events, "ann")
        now, unplaced = apply_corrections(utterances, standing(events))
        assert not unplaced
    return [each.speaker for each in now]


def test_renaming_who_was_named_in_one_utterance_leaves_the_rest_of_the_voice() -> None:
    voice = Edit("speaker", "Ann", name="S1")
    single = Edit("speaker", "Bob", Span(5.0, 9.0))
    utterances = [said(0, "S1"), said(1, "S1"), said(2, "S1"), said(3, "S2")]
    assert speakers_after(utterances, voice, single) == ["Ann", "Bob", "Ann", "S2"]
    assert speakers_after(utterances, voice, single, Edit("speaker", "Robert", name="Bob")) == [
        "Ann", "Robert", "Ann", "S2",
    ]  # fmt: skip
    assert speakers_after(utterances, voice, single, Edit("speaker", "Anne", name="Ann")) == [
        "Anne", "Bob", "Anne", "S2",
    ]  # fmt: skip


def test_renaming_reaches_a_voice_and_single_utterances_with_the_name() -> None:
    utterances = [said(0, "S1"), said(1, "S2"), said(2, "S2")]
    edits = Edit("speaker", "Ann", name="S1"), Edit("speaker", "Ann", Span(5.0, 9.0))
    assert speakers_after(utterances, *edits, Edit("speaker", "Anne", name="Ann")) == ["Anne", "Anne", "S2"]
