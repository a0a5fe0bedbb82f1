from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.export.cues import Cue, Limits, divide, limits_for, make_cues
from pipeline.export.pieces import Piece
from pipeline.export.text import columns
from schemas.records import Utterance
from tests.nightly import examples
from tests.pipeline.export.records import said, speech, speech_at_once

LANGUAGES = st.sampled_from(["en", "zh", "ja"])
SPEECH = LANGUAGES.flatmap(lambda language: st.tuples(st.just(language), speech(language)))
NARROW = Limits(line_columns=12, columns_per_s=15.0)


def texts(cues: list[Cue]) -> list[str]:
    return [" / ".join(cue.texts) for cue in cues]


def solid(text: str) -> str:
    return "".join(text.split())


@given(SPEECH, st.booleans())
def test_all_words_are_shown_once_and_in_order(spoken: tuple[str, list[Utterance]], known: bool) -> None:
    language, utterances = spoken
    cues = make_cues(utterances, limits_for(language if known else None))
    shown = "".join(text for cue in cues for text in cue.texts)
    assert solid(shown) == "".join(solid(each.text) for each in utterances)


@given(SPEECH)
def test_subtitles_follow_each_other_in_two_lines_that_fit_and_never_stay_too_long(
    spoken: tuple[str, list[Utterance]],
) -> None:
    language, utterances = spoken
    limits = limits_for(language)
    cues = make_cues(utterances, limits)
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < columns(text) <= limits.line_columns for text in cue.texts)
        assert cue.start_s < cue.end_s <= cue.start_s + limits.max_s + 1e-9
    for cue, following in pairwise(cues):
        assert cue.end_s <= following.start_s
        room_s = following.start_s - cue.start_s
        assert following.start_s - cue.end_s >= min(limits.gap_s, room_s / 2) - 1e-9


@given(SPEECH)
def test_a_subtitle_stays_for_its_reading_time_if_the_next_one_allows(
    spoken: tuple[str, list[Utterance]],
) -> None:
    language, utterances = spoken
    limits = limits_for(language)
    cues = make_cues(utterances, limits)
    for cue, following in zip(cues, [*cues[1:], None], strict=True):
        width = columns(" ".join(cue.texts)) if language == "en" else sum(columns(text) for text in cue.texts)
        wanted_s = max(limits.min_s, width / limits.columns_per_s)
        room_s = following.start_s - limits.gap_s - cue.start_s if following else float("inf")
        assert cue.end_s - cue.start_s >= min(wanted_s, room_s) - 1e-9


@given(speech())
def test_a_subtitle_has_one_speaker(utterances: list[Utterance]) -> None:
    cues = make_cues(utterances, Limits())
    assert {cue.speaker for cue in cues} == {each.speaker for each in utterances}


@given(st.lists(st.tuples(st.integers(1, 8), st.floats(0.02, 0.8), st.floats(0, 3)), min_size=1, max_size=9))
@settings(max_examples=examples(60))
def test_no_other_split_lacks_less_time(parts: list[tuple[int, float, float]]) -> None:
    pieces, at_s = [], 0.0
    for length, lasts_s, pause_s in parts:
        pieces.append(Piece("x" * length, bool(pieces), True, at_s, at_s + lasts_s, True))
        at_s += lasts_s + pause_s

    def lacking_s(cuts: tuple[int, ...]) -> float | None:
        total_s = 0.0
        for start, end in pairwise((0, *cuts, len(pieces))):
            part = pieces[start:end]
            gaps_s = [after.start_s - before.end_s for before, after in pairwise(part)]
            width = sum(len(piece.text) for piece in part) + len(part) - 1
            if len(part) > 1 and (part[-1].end_s - part[0].start_s > NARROW.max_s or max(gaps_s) > 2 or not fits(part)):
                return None
            room_s = (pieces[end].start_s if end < len(pieces) else at_s) - NARROW.gap_s - part[0].start_s
            total_s += max(0.0, max(NARROW.min_s, width / NARROW.columns_per_s) - room_s)
        return total_s

    def fits(part: list[Piece]) -> bool:
        widths = [
            [len(piece.text) for piece in half] for cut in range(1, len(part) + 1) for half in [part[:cut], part[cut:]]
        ]
        lines = [sum(each) + max(0, len(each) - 1) for each in widths]
        return any(max(pair) <= NARROW.line_columns for pair in zip(lines[::2], lines[1::2], strict=True))

    every = (cuts for count in range(len(pieces)) for cuts in combinations(range(1, len(pieces)), count))
    min_s = min(lack for cuts in every if (lack := lacking_s(cuts)) is not None)
    chosen = divide(pieces, at_s, NARROW)
    cuts = tuple(sum(len(part) for part in chosen[:number]) for number in range(1, len(chosen)))
    # A hundredth of a second may be given away for a better place to break.
    assert lacking_s(cuts) == pytest.approx(min_s, abs=0.02)


def test_a_long_sentence_breaks_at_its_clauses() -> None:
    utterance = said(
        "Billions of people eat fish, and most of the fishing boats in the world are very small, "
        "as everybody who lives near the sea knows."
    )
    assert texts(make_cues([utterance], Limits())) == [
        "Billions of people eat fish, / and most of the fishing boats",
        "in the world are very small, / as everybody who lives near the sea knows.",
    ]


def test_chinese_keeps_marks_at_the_ends_of_lines() -> None:
    utterance = said("今天我们要谈谈世界上的海洋，海洋覆盖了地球表面的大部分。", language="zh", letter_s=0.18)
    assert texts(make_cues([utterance], limits_for("zh"))) == [
        "今天我们要谈谈世界上的海洋， / 海洋覆盖了地球表面的大部分。"
    ]


def test_a_word_wider_than_a_line_is_cut_and_nothing_else_is() -> None:
    address = "https://example.org/" + "a" * 50
    cues = make_cues([said(f"See {address} now")], Limits())
    assert [columns(text) <= 42 for cue in cues for text in cue.texts] == [True] * 3
    assert solid("".join(text for cue in cues for text in cue.texts)) == f"See{address}now"


def test_an_emoji_of_several_characters_is_two_columns_wide_and_never_cut() -> None:
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    cues = make_cues([said(family * 15)], NARROW)
    lines = [text for cue in cues for text in cue.texts]
    assert lines == [family * 6, family * 6, family * 3]


def test_a_translation_is_shown_at_the_time_of_the_speech() -> None:
    utterance = said("Buenos días a todos", 4.0, language="es", translation="Good morning, everybody")
    [cue] = make_cues([utterance], Limits(), translation=True)
    assert cue.texts == ("Good morning, everybody",)
    assert (cue.start_s, cue.lines[0][-1].end_s) == (4.0, utterance.end_s)


def test_words_that_do_not_spell_the_text_are_ignored() -> None:
    utterance = said("Good morning", 1.0)
    [cue] = make_cues([Utterance(0, 1.0, 2.0, "Good evening", "en", None, utterance.words, 0, 0, 1, ())], Limits())
    assert cue.texts == ("Good evening",)
    assert not any(piece.timed for piece in cue.lines[0])


def test_a_long_pause_splits_even_a_short_sentence() -> None:
    before, after = said("And the winner is"), said("nobody.", 6.0)
    whole = Utterance(0, 0, 7, "And the winner is nobody.", "en", None, before.words + after.words, 0, 0, 1, ())
    assert texts(make_cues([whole], Limits())) == ["And the winner is", "nobody."]


def test_simultaneous_speech_is_shown_simultaneously() -> None:
    cues = make_cues([said("I never said that.", 0, speaker="a"), said("You did so.", 0.2, speaker="b")], Limits())
    assert texts(cues) == ["I never said that.", "You did so."]
    assert [cue.start_s for cue in cues] == [0.0, 0.2]
    assert all(cue.at_once and cue.end_s - cue.start_s >= 1.0 for cue in cues)


def test_a_brief_interruption_is_shown_afterwards() -> None:
    cues = make_cues([said("I never said that.", 0, speaker="a"), said("You did so.", 1.0, speaker="b")], Limits())
    assert texts(cues) == ["I never said that.", "You did so."]
    assert cues[0].end_s <= cues[1].start_s <= 1.3
    assert not any(cue.at_once for cue in cues)


def test_an_interjection_is_shown_in_time_and_long_enough() -> None:
    long = Utterance(
        0, 0, 10, "I talk for a long time about things that matter to me a lot.", "en", "a", (), 0, 0, 1, ()
    )
    yeah = Utterance(1, 2, 2.3, "Yeah.", "en", "b", (), 0, 0, 1, ())
    right = Utterance(2, 5, 5.4, "Right.", "en", "b", (), 0, 0, 1, ())
    after = Utterance(3, 10, 12, "And now next.", "en", "a", (), 0, 0, 1, ())
    cues = make_cues([long, yeah, right, after], Limits())
    of_b = [(cue.start_s, cue.end_s, *cue.texts) for cue in cues if cue.speaker == "b"]
    assert of_b == [(2.0, 3.0, "Yeah."), (5.0, 6.0, "Right.")]
    assert all(len(cue.lines) == 1 for cue in cues)
    assert cues[-1].start_s == 10.0


@given(speech_at_once())
def test_subtitles_of_simultaneous_speakers_keep_the_limits(utterances: list[Utterance]) -> None:
    limits = Limits()
    cues = make_cues(utterances, limits)
    assert [cue.start_s for cue in cues] == sorted(cue.start_s for cue in cues)
    for speaker in {each.speaker for each in utterances}:
        spoken = [each for each in utterances if each.speaker == speaker]
        shown = [cue for cue in cues if cue.speaker == speaker]
        assert solid("".join("".join(cue.texts) for cue in shown)) == "".join(solid(each.text) for each in spoken)
        assert all(cue.end_s <= following.start_s for cue, following in pairwise(shown))
    for cue in cues:
        width = max(columns(text) for text in cue.texts)
        assert (len(cue.lines), width) <= ((1, limits.line_columns - 2) if cue.at_once else (2, limits.line_columns))
        assert width <= limits.line_columns
        assert cue.start_s < cue.end_s <= cue.start_s + limits.max_s + 1e-9


@pytest.mark.slow
@given(speech_at_once())
def test_subtitles_overlap_only_when_speakers_do_and_start_in_time(utterances: list[Utterance]) -> None:
    cues = make_cues(utterances, Limits())
    for one, other in combinations(cues, 2):
        if other.start_s < one.end_s:
            assert one.at_once
            assert other.at_once
    for speaker in {each.speaker for each in utterances}:
        words = [word for each in utterances if each.speaker == speaker for word in each.words]
        shown = [(cue, piece) for cue in cues if cue.speaker == speaker for line in cue.lines for piece in line]
        for (cue, piece), word in zip(shown, words, strict=True):
            assert piece.text == word.word
            assert piece is not cue.lines[0][0] or -1e-9 <= cue.start_s - word.start_s <= 0.35


@pytest.mark.parametrize("text", ["", " \n ", "\u2028"])
def test_without_speech_there_are_no_subtitles(text: str) -> None:
    assert make_cues([], Limits()) == []
    assert make_cues([Utterance(0, 1.0, 2.0, text, "en", None, (), 0, 0, 1, ())], Limits()) == []


@given(speech("en"), st.sets(st.integers(0, 30)))
def test_subtitles_of_what_is_sung_have_notes_and_fit_and_hold_nothing_that_is_spoken(
    utterances: list[Utterance], sung: set[int]
) -> None:
    marked = [replace(each, sung=number in sung) for number, each in enumerate(utterances)]
    limits = limits_for("en")
    cues = make_cues(marked, limits)
    for cue in cues:
        assert len({piece.sung for line in cue.lines for piece in line}) == 1
        assert (cue.texts[0].startswith("♪ "), cue.texts[-1].endswith(" ♪")) == (cue.sung, cue.sung)
        assert all(columns(text) <= limits.line_columns for text in cue.texts)
    shown = solid("".join(text for cue in cues for text in cue.texts)).replace("♪", "")
    assert shown == "".join(solid(each.text) for each in marked)
