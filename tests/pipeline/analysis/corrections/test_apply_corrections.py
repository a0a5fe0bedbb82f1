from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.corrections import apply_corrections, automatic, correct_understanding, spans_of
from schemas.corrections import CorrectedField, Correction, Span, standing
from schemas.records import Chapter, Label, Scene, Summary, Utterance, Word

_START = datetime(2026, 1, 1, tzinfo=UTC)


def spoken(*texts: str, start_s: float = 0.0, speaker: str | None = "S1", language: str = "en") -> list[Utterance]:
    """Utterances one after another, with half a second per word and a pause of one second in between."""
    made, at_s = [], start_s
    for text in texts:
        words = []
        for each in text.split():
            words.append(Word(each, at_s, at_s + 0.5, 0.9))
            at_s += 0.5
        made.append(said(len(made), text, words, speaker, language))
        at_s += 1.0
    return made


def said(index: int, text: str, words: Sequence[Word], speaker: str | None = "S1", language: str = "en") -> Utterance:
    return Utterance(
        index,
        words[0].start_s,
        words[-1].end_s,
        text,
        language,
        speaker,
        tuple(words),
        -0.3,
        0.1,
        1.2,
        ("low_logprob",),
    )


def corrected(utterance: Utterance, to: str, number: int = 0) -> Correction:
    place = Span(utterance.start_s, utterance.end_s)
    return change("text", utterance.text, to, place=place, number=number)


def change(
    field: CorrectedField,
    from_value: str | None,
    to: str | None,
    *,
    place: Span | None = None,
    spans: tuple[Span, ...] = (),
    number: int = 0,
    undoes: str | None = None,
) -> Correction:
    made_at = _START + timedelta(minutes=number)
    return Correction(f"c{number}", "v", field, place, spans, from_value, to, "ann", made_at, undoes)


def test_a_corrected_text_keeps_the_recognised_one_beside_it() -> None:
    [before] = spoken("the quick brown focks jumps")
    [after], unplaced = apply_corrections([before], [corrected(before, "The quick brown fox jumps")])
    assert (after.text, after.auto_text, unplaced) == ("The quick brown fox jumps", before.text, [])
    assert (after.flags, after.auto_flags) == ((), before.flags)
    assert asdict(automatic(after)) == asdict(before)


def test_words_that_stay_keep_their_times_and_new_ones_share_the_time_between() -> None:
    [before] = spoken("one two three four")
    [after], _ = apply_corrections([before], [corrected(before, "one seven eight four")])
    assert [each.word for each in after.words] == ["one", "seven", "eight", "four"]
    assert (after.words[0], after.words[-1]) == (before.words[0], before.words[-1])
    times = [(each.start_s, each.end_s) for each in after.words]
    assert times == sorted(times)
    assert times[1][0] >= 0.5
    assert times[2][1] <= 1.5


def test_an_added_word_gets_time_where_there_is_no_pause() -> None:
    [before] = spoken("one three")
    [after], _ = apply_corrections([before], [corrected(before, "one two three")])
    assert [each.word for each in after.words] == ["one", "two", "three"]
    assert after.words[1].end_s - after.words[1].start_s > 0.05
    assert after.words[0].end_s <= after.words[1].start_s


def test_an_empty_text_removes_what_nobody_said() -> None:
    before = spoken("thanks for watching", "the real sentence")
    after, unplaced = apply_corrections(before, [corrected(before[0], "")])
    assert [each.text for each in after] == ["", "the real sentence"]
    assert (after[0].words, after[0].auto_words, unplaced) == ((), before[0].words, [])


def test_a_correction_is_attached_to_the_utterances_that_now_hold_the_words() -> None:
    [before] = spoken("we met annlee in the morning and left")
    wanted = corrected(before, "we met Ann Lee in the morning and left")
    [w1, w2] = [before.words[:4], before.words[4:]]
    now = [said(0, "We met annlee in", w1), said(1, "the morning and left.", w2)]
    after, unplaced = apply_corrections(now, [wanted])
    assert [each.text for each in after] == ["we met Ann Lee in", "the morning and left"]
    assert not unplaced


def test_a_correction_is_attached_within_a_longer_utterance() -> None:
    first, second, third = spoken("so we start", "with annlee here", "and go on")
    words = [*first.words, *second.words, *third.words]
    now = said(0, "So we start, with annlee here and go on.", words)
    [after], unplaced = apply_corrections([now], [corrected(second, "with Ann Lee here")])
    assert after.text == "So we start, with Ann Lee here and go on."
    assert not unplaced


def test_a_correction_never_changes_other_words_and_is_listed_instead() -> None:
    [before] = spoken("the ship sails at noon")
    wanted = corrected(before, "The sheep sails at noon")
    other = spoken("nobody expects this answer")
    later = spoken("the ship sails at noon", start_s=20.0)
    for now in (other, later):
        after, unplaced = apply_corrections(now, [wanted])
        assert (list(after), unplaced) == (now, [wanted])


def test_of_repetitions_the_one_at_its_time_is_corrected() -> None:
    now = spoken("yes", "yes", "yes")
    after, unplaced = apply_corrections(now, [corrected(now[1], "no")])
    assert [each.text for each in after] == ["yes", "no", "yes"]
    moved = [replace(each, start_s=each.start_s + 0.2, text=f"{each.text}.") for each in now]
    after, _ = apply_corrections(moved, [corrected(now[1], "no")])
    assert [each.text for each in after] == ["yes.", "no", "yes."]
    assert not unplaced


def test_a_better_recognition_of_the_corrected_words_is_no_obstacle() -> None:
    [before] = spoken("we met annlee today")
    wanted = corrected(before, "We met Ann Lee today.")
    now = spoken("We met Ann Leigh today.")
    [after], unplaced = apply_corrections(now, [wanted])
    assert (after.text, unplaced) == ("We met Ann Lee today.", [])


def test_the_newest_correction_of_the_same_words_wins() -> None:
    [before] = spoken("we met annlee today")
    both = [corrected(before, "we met Ann Li today", 1), corrected(before, "we met Ann Lee today", 2)]
    [after], unplaced = apply_corrections([before], both)
    assert (after.text, unplaced) == ("we met Ann Lee today", [])


def test_text_without_spaces_is_corrected_by_character() -> None:
    word = [Word("今天", 0.0, 0.6, 0.9), Word("天汽", 0.6, 1.2, 0.9), Word("很好", 1.2, 1.8, 0.9)]
    before = said(0, "今天天汽很好。", word, language="zh")
    [after], unplaced = apply_corrections([before], [corrected(before, "今天天气很好。")])
    assert (after.text, unplaced) == ("今天天气很好。", [])
    assert "".join(each.word for each in after.words).rstrip("。") == "今天天气很好"
    assert after.words[0] == word[0]


def test_a_name_is_given_to_the_voice_and_not_to_the_number() -> None:
    before = [*spoken("good morning everybody", speaker="S1"), *spoken("hello", start_s=9.0, speaker="S2")]
    named = change("speaker", "S1", "Ann Lee", spans=spans_of(before, "S1"))
    after, _ = apply_corrections(before, [named])
    assert [(each.speaker, each.auto_speaker) for each in after] == [("Ann Lee", "S1"), ("S2", None)]
    renumbered = [replace(each, speaker={"S1": "S2", "S2": "S1"}[each.speaker or ""]) for each in before]
    after, unplaced = apply_corrections(renumbered, [named])
    assert [each.speaker for each in after] == ["Ann Lee", "S1"]
    assert not unplaced


def test_speakers_with_one_name_become_one() -> None:
    before = [*spoken("good morning", speaker="S1"), *spoken("hello", start_s=9.0, speaker="S2")]
    both = [
        change("speaker", name, "Ann", spans=spans_of(before, name), number=n) for n, name in enumerate(("S1", "S2"))
    ]
    after, _ = apply_corrections(before, both)
    assert {each.speaker for each in after} == {"Ann"}


def test_a_name_for_one_utterance_counts_more_than_that_of_its_speaker() -> None:
    before = spoken("one", "two", "three")
    single = change("speaker", "S1", "Bob", place=Span(before[1].start_s, before[1].end_s), number=1)
    everywhere = change("speaker", "S1", "Ann", spans=spans_of(before, "S1"), number=2)
    after, unplaced = apply_corrections(before, [single, everywhere])
    assert ([each.speaker for each in after], unplaced) == (["Ann", "Bob", "Ann"], [])


def test_a_speaker_without_a_name_can_be_named_and_unnamed() -> None:
    before = spoken("one", speaker=None)
    [after], _ = apply_corrections(before, [change("speaker", None, "Ann", spans=spans_of(before, None))])
    assert (after.speaker, after.auto_speaker) == ("Ann", "")
    assert automatic(after).speaker is None


def test_an_undo_can_be_undone() -> None:
    first = change("headline", "a", "b", number=1)
    undo = change("headline", "b", "a", number=2, undoes="c1")
    again = change("headline", "a", "b", number=3, undoes="c2")
    assert standing([first]) == [first]
    assert standing([undo, first]) == []
    assert standing([again, first, undo]) == [first]


_ZERO = np.zeros(1, np.float32)


def _scene(*topics: str) -> Scene:
    labels = tuple(Label(each, 0.5) for each in topics)
    return Scene(0, 0.0, 9.0, (), "", "", labels, _ZERO, _ZERO, _ZERO, 1.0, 0.0)


def test_headline_titles_and_topics_are_corrected_beside_their_automatic_values() -> None:
    chapters = (Chapter("One", 0.0, 60.0), Chapter("Two", 60.0, 100.0))
    summary = Summary("auto", (), chapters, (), (), (Label("Cooking", 0.7),))
    corrections = [
        change("headline", "auto", "better"),
        change("chapter_title", "Two", "Second", place=Span(58.0, 100.0)),
        change("chapter_title", "Gone", "Lost", place=Span(0.0, 10.0)),
        change("topics", "Cooking", None),
        change("topics", None, "Travel"),
    ]
    found = correct_understanding(summary, [_scene("Cooking", "Sport")], corrections)
    assert (found.summary.headline, found.summary.auto_headline) == ("better", "auto")
    assert [each.title for each in found.summary.chapters] == ["One", "Second"]
    assert found.summary.auto_chapters == chapters
    assert found.summary.topics == (Label("Travel", 1.0),)
    assert found.scenes[0].topics == (Label("Sport", 0.5),)
    assert found.unplaced == [corrections[2]]
    again = correct_understanding(found.summary, found.scenes, [])
    assert again.summary == summary
    assert again.scenes[0].topics == _scene("Cooking", "Sport").topics


_NOUNS = ["alpha", "beta", "gamma", "delta", "omega", "river", "stone", "cloud"]
_WORDS = st.lists(st.sampled_from(_NOUNS), min_size=1, max_size=8)
_OTHERS = st.lists(st.sampled_from(["jump", "quickly", "we", "think"]), min_size=1, max_size=8)


def _cut(words: Sequence[Word], cuts: Sequence[int]) -> list[Utterance]:
    bounds = sorted({0, len(words), *(cut % len(words) for cut in cuts)})
    groups = [words[a:b] for a, b in pairwise(bounds)]
    return [said(n, " ".join(each.word for each in group), group) for n, group in enumerate(groups)]


@given(st.lists(_WORDS, min_size=1, max_size=5), st.data())
def test_however_speech_is_cut_the_same_words_are_corrected(sentences: list[list[str]], data: st.DataObject) -> None:
    before = spoken(*(" ".join(each) for each in sentences))
    chosen = data.draw(st.integers(0, len(before) - 1))
    wanted = data.draw(_WORDS)
    places = data.draw(st.lists(st.integers(0, 60), max_size=6))
    correction = corrected(before[chosen], " ".join(wanted))
    now = _cut([word for each in before for word in each.words], places)
    after, unplaced = apply_corrections(now, [correction])
    expected = [" ".join(wanted) if each is before[chosen] else each.text for each in before]
    assert " ".join(each.text for each in after).split() == " ".join(expected).split()
    assert not unplaced
    _check_words(after)


@given(st.lists(_WORDS, min_size=1, max_size=4), st.lists(_WORDS, min_size=1, max_size=4), st.data())
def test_corrections_are_undone_exactly(
    sentences: list[list[str]], texts: list[list[str]], data: st.DataObject
) -> None:
    before = spoken(*(" ".join(each) for each in sentences))
    corrections = [
        corrected(data.draw(st.sampled_from(before)), " ".join(text), number) for number, text in enumerate(texts)
    ]
    after, _ = apply_corrections(before, corrections)
    assert list(map(asdict, apply_corrections(after, [])[0])) == list(map(asdict, before))
    assert list(map(asdict, apply_corrections(after, corrections)[0])) == list(map(asdict, after))
    _check_words(after)


@given(_WORDS, _WORDS, _OTHERS)
def test_unlike_words_are_never_touched(said_then: list[str], to: list[str], said_now: list[str]) -> None:
    [before], now = spoken(" ".join(said_then)), spoken(" ".join(said_now))
    after, unplaced = apply_corrections(now, [corrected(before, " ".join(to))])
    assert (list(after), len(unplaced)) == (now, 1)


def _check_words(utterances: Sequence[Utterance]) -> None:
    for each in utterances:
        assert " ".join(word.word for word in each.words) == each.text
        times = [time for word in each.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert not times or (times[0] >= each.start_s - 1e-9 and times[-1] <= each.end_s + 1e-9)
