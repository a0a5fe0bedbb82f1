from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.fusion import fuse_early
from pipeline.analysis.scenes import Subject
from pipeline.analysis.summary import Abstract, build_summary, extract_summary
from pipeline.analysis.summary.statements import _marked
from schemas.config import SummaryConfig
from schemas.records import (
    DetectedObject,
    Entity,
    Keyframe,
    Occurrence,
    Shot,
    Sound,
    Summary,
    TextLine,
    Utterance,
    frame_id,
    utterance_id,
)
from tests.pipeline.analysis.scenes.videos import content, keyframe, scenes_of, seen, shots, utterance

TALK = [
    ("Welcome to this talk about bees.", 5),
    ("Bees live in colonies that may hold fifty thousand workers.", 0),
    ("Um, right.", 5),
    ("A queen bee lays up to two thousand eggs on a summer day.", 0),
    ("A queen bee lays up to two thousand eggs on a summer day.", 0),
    ("Without bees, most fruit trees would hardly bear any fruit.", 1),
    ("Farmers therefore pay for hives to be brought to their orchards.", 1),
    ("Pesticides and mites have killed many colonies in recent years.", 2),
    ("Thank you.", 5),
]


def summary_of(
    shot_list: list[Shot],
    frames: list[Keyframe],
    utterances: list[Utterance],
    duration_s: float,
    *,
    uri: str = "/films/my_bee-talk.2021.mp4",
    **config: object,
) -> Summary:
    video = content(shot_list, frames, utterances, duration_s)
    extract = extract_summary(scenes_of(video), video, video_id="v", uri=uri, config=SummaryConfig(**config))
    return build_summary(extract, Subject(), Abstract())


@pytest.fixture
def talk() -> list[Utterance]:
    return [utterance(n, 6.0 * n, 6.0 * n + 5, text, topic) for n, (text, topic) in enumerate(TALK)]


def test_a_summary_says_what_was_said_once_in_order_with_its_evidence(talk: list[Utterance]) -> None:
    frames = [keyframe(n, 10.0 * n + 1, 0, 0) for n in range(5)]
    summary = summary_of(shots([0, 54]), frames, talk, 54, sentences=4)
    texts = [sentence.text for sentence in summary.sentences]
    assert len(texts) == len(set(texts)) == 4
    assert all(text in {said for said, _ in TALK} for text in texts)
    assert "Um, right." not in texts
    begins = [sentence.evidence[0].start_s for sentence in summary.sentences]
    assert begins == sorted(begins)
    for sentence in summary.sentences:
        assert {evidence.kind for evidence in sentence.evidence} == {"utterance", "frame"}


def test_a_sentence_that_runs_over_utterances_rests_on_all_of_them() -> None:
    spoken = [
        utterance(0, 0, 3, "The bridge was built", 0),
        utterance(1, 3.2, 6, "by two thousand men in ten years.", 0),
        utterance(2, 8, 11, "It still stands today and carries trains.", 0),
    ]
    summary = summary_of([], [], spoken, 12)
    assert summary.sentences[0].text == "The bridge was built by two thousand men in ten years."
    assert [evidence.id for evidence in summary.sentences[0].evidence] == [utterance_id("v", 0), utterance_id("v", 1)]


def test_doubtful_speech_makes_no_headline() -> None:
    spoken = [
        utterance(0, 0, 3, "Thank you very much for watching this video today.", 0, ("stock_phrase",)),
        utterance(1, 4, 8, "The harbour was closed because of the storm.", 0),
    ]
    assert summary_of([], [], spoken, 9).headline == "The harbour was closed because of the storm."


def test_a_silent_video_is_summarised_from_its_pictures_and_titles() -> None:
    shot_list = shots([0, 20, 40, 60])
    frames = [
        seen(keyframe(0, 5, 0, 0), ("mountain bike", 0.7), ("unicycle", 0.1)),
        seen(keyframe(1, 25, 1, 1), ("tandem bicycle", 0.4)),
        keyframe(2, 45, 2, 2, title="The end of the road"),
    ]
    summary = summary_of(shot_list, frames, [], 60)
    assert [sentence.text for sentence in summary.sentences] == [
        "Bicycles, in 2 of 3 shots.",
        "On screen: “The end of the road”.",
    ]
    assert [evidence.id for evidence in summary.sentences[0].evidence] == [frame_id("v", 0), frame_id("v", 1)]
    assert [evidence.id for evidence in summary.sentences[1].evidence] == [frame_id("v", 2)]
    assert summary.keyframe_ids == tuple(frame_id("v", n) for n in range(3))
    assert {label.label for label in summary.labels} >= {"mountain bike", "tandem bicycle"}
    reasons = [highlight.reason for highlight in summary.highlights]
    assert reasons == ["First shows: bicycles", "On screen: “The end of the road”"]


def test_small_text_on_a_screen_is_quoted_rather_than_called_nothing() -> None:
    lines = (
        TextLine("$ git clone https://example.org/a.git", (0.01, 0.03, 0.6, 0.07), 0.99),
        TextLine("24 passed in 3 seconds", (0.01, 0.1, 0.4, 0.14), 0.99),
    )
    summary = summary_of(shots([0, 20]), [replace(keyframe(0, 5, 0, 0), text_lines=lines)], [], 20)
    assert [sentence.text for sentence in summary.sentences] == ["On screen: “24 passed in 3 seconds”."]


def test_only_the_earliest_frame_shows_something_first() -> None:
    frames = [
        seen(keyframe(0, 5, 0, 0), ("mountain bike", 0.3)),
        seen(keyframe(1, 45, 1, 1), ("mountain bike", 0.9)),
        keyframe(2, 65, 2, 2),
    ]
    highlights = summary_of(shots([0, 40, 60, 80]), frames, [], 80).highlights
    assert {each.reason for each in highlights if each.start_s == 45} == {"Shows: bicycles"}


def test_what_one_frame_seems_to_show_is_not_said() -> None:
    frames = [
        keyframe(0, 5, 0, 0, label="electrical switch", score=0.85),
        keyframe(1, 25, 1, 1, label="gas pump", score=0.35),
        keyframe(2, 45, 2, 2),
    ]
    summary = summary_of(shots([0, 20, 40, 60]), frames, [], 60)
    told = " ".join([summary.headline, *(each.text for each in summary.sentences)])
    assert "switch" not in told
    assert "pump" not in told
    assert [each.text for each in summary.sentences] == [
        "Footage of 1:00 min in 3 shots, in which nothing was recognised for certain."
    ]


def test_a_model_that_writes_captions_is_taken_at_its_word() -> None:
    frames = [
        replace(keyframe(n, 10 * n + 5, n, n), caption=f"A dog on beach number {n}.", caption_source="model:blip")
        for n in range(3)
    ]
    summary = summary_of(shots([0, 10, 20, 30]), frames, [], 30)
    assert [each.text for each in summary.sentences] == [f"A dog on beach number {n}." for n in range(3)]


def test_every_chapter_has_a_sentence_before_one_has_two() -> None:
    spoken = [
        utterance(n, 6.0 * n, 6.0 * n + 5, f"Sentence number {n} says something about subject {n // 25}.", n // 25)
        for n in range(100)
    ]
    summary = summary_of([], [], spoken, 600, sentences=4)
    assert len(summary.chapters) == 4
    begins = [sentence.evidence[0].start_s for sentence in summary.sentences]
    for chapter in summary.chapters:
        assert sum(chapter.start_s <= begin < chapter.end_s for begin in begins) == 1


def test_courtesies_and_sentences_that_lean_on_others_are_not_the_summary() -> None:
    texts = [
        "Good morning and welcome to our show.",
        "The council will close the old harbour bridge in May.",
        "It is what they wanted for a long time.",
        "Thank you for your questions.",
    ]
    spoken = [utterance(n, 5.0 * n, 5.0 * n + 4, text, 0) for n, text in enumerate(texts)]
    summary = summary_of([], [], spoken, 20, sentences=1)
    assert [each.text for each in summary.sentences] == [texts[1]]
    assert summary.headline == texts[1]


def test_words_on_the_screen_get_the_accents_that_are_heard() -> None:
    spoken = [utterance(0, 0, 3, "Buenos días a todos y a todas.", 0)]
    summary = summary_of(shots([0, 40]), [keyframe(0, 1, 0, 0, title="Buenos døas")], spoken, 40)
    assert summary.headline == "Buenos días"


@pytest.mark.parametrize(
    ("said", "shown"), [("Это новая книга.", "Новые книги"), ("人工智能改善世界。", "人工智能改变世界")]
)
def test_words_of_scripts_without_accents_stay_as_they_were_read(said: str, shown: str) -> None:
    summary = summary_of(shots([0, 40]), [keyframe(0, 1, 0, 0, title=shown)], [utterance(0, 0, 3, said, 0)], 40)
    assert summary.headline == shown


@pytest.mark.parametrize(
    ("uri", "headline"),
    [
        ("/films/summer_tour-1994.avi", "summer tour 1994"),
        ("/films/IMG_1234.mp4", "Footage (2 shots, 20 s)"),
        ("file:///films/harbour.mp4", "harbour"),
    ],
)
def test_a_silent_video_of_unknown_things_has_the_headline_of_its_name_if_people_gave_it(
    uri: str, headline: str
) -> None:
    frames = [keyframe(0, 5, 0, 0, label="prison", score=0.72), keyframe(1, 15, 1, 1)]
    assert summary_of(shots([0, 10, 20]), frames, [], 20, uri=uri).headline == headline


def test_a_title_card_gives_the_headline_and_the_chapter() -> None:
    summary = summary_of(shots([0, 40]), [keyframe(0, 1, 0, 0, title="The Secret Life of Bees")], [], 40)
    assert summary.headline == "The Secret Life of Bees"
    assert [chapter.title for chapter in summary.chapters] == ["The Secret Life of Bees"]


def test_nothing_at_all_still_has_a_headline_from_the_name() -> None:
    summary = summary_of([], [], [], 3)
    assert summary.headline == "my bee talk 2021"
    assert summary.sentences == ()


def test_long_talks_have_chapters_of_a_fair_length() -> None:
    spoken = [utterance(n, 5.0 * n, 5.0 * n + 4, f"This is sentence number {n} of it.", n // 60) for n in range(360)]
    chapters = summary_of([], [], spoken, 1800).chapters
    assert 3 <= len(chapters) <= 15
    assert len({chapter.title for chapter in chapters}) == len(chapters)


@given(
    lengths=st.lists(st.floats(0.3, 300.0), max_size=10),
    talk=st.lists(
        st.tuples(st.floats(0, 200), st.floats(0.1, 30), st.integers(0, 5), st.text(max_size=80)), max_size=10
    ),
    count=st.integers(1, 8),
)
def test_promises_hold_for_any_video(
    lengths: list[float], talk: list[tuple[float, float, int, str]], count: int
) -> None:
    edges = [0.0, *np.cumsum(lengths).tolist()]
    shot_list = shots(edges)
    frames = [
        keyframe(shot.index, (shot.start_s + shot.end_s) / 2, shot.index, shot.index, label="cat") for shot in shot_list
    ]
    spoken = [
        utterance(n, begin, begin + long, text, topic)
        for n, (begin, long, topic, text) in enumerate(sorted(talk, key=lambda each: each[0]))
    ]
    duration_s = max(edges[-1], *(each.end_s for each in spoken), 0.5)
    summary = summary_of(shot_list, frames, spoken, duration_s, sentences=count, keyframes=3, highlights=4)
    assert summary.headline.strip()
    assert len(summary.headline) <= 90
    assert "\n" not in summary.headline
    assert len(summary.sentences) <= count
    known = {frame_id("v", frame.index) for frame in frames} | {utterance_id("v", each.index) for each in spoken}
    for sentence in summary.sentences:
        assert sentence.evidence
        assert {evidence.id for evidence in sentence.evidence} <= known
    assert set(summary.keyframe_ids) <= known
    assert len(summary.keyframe_ids) <= 3
    assert len(summary.highlights) <= 4
    assert summary.chapters[0].start_s == 0.0
    assert summary.chapters[-1].end_s == duration_s
    assert all(one.end_s == other.start_s for one, other in pairwise(summary.chapters))
    assert all(chapter.title and len(chapter.title) <= 60 for chapter in summary.chapters)
    if duration_s >= 30:
        assert all(chapter.end_s - chapter.start_s >= 30 - 1e-6 for chapter in summary.chapters)


@given(st.floats(0, 1))
def test_the_cosine_of_fused_vectors_is_the_weighted_mean_of_their_parts(weight: float) -> None:
    rng = np.random.default_rng(0)
    parts = [row / np.linalg.norm(row) for row in rng.standard_normal((4, 5)).astype(np.float32)]
    one, text_weight, vision_weight = fuse_early(parts[0], parts[1], text_weight=weight)
    other = fuse_early(parts[2], parts[3], text_weight=weight)[0]
    assert text_weight + vision_weight == pytest.approx(1.0)
    expected = weight * parts[0] @ parts[2] + (1 - weight) * parts[1] @ parts[3]
    assert one @ other == pytest.approx(expected, abs=1e-4)


def test_a_video_without_speech_says_what_is_heard() -> None:
    frames = [
        replace(keyframe(n, 1.5 * n + 1, n, n), objects=(DetectedObject("person", 0.9, (0.3, 0.1, 0.7, 1.0)),))
        for n in range(12)
    ]
    shot_list = shots([1.5 * n for n in range(13)])
    video = replace(
        content(shot_list, frames, [], 18),
        sounds=[Sound(0, 0, 18, "music", 0.9), Sound(1, 2, 14, "singing", 0.8), Sound(2, 0, 1, "applause", 0.9)],
    )
    extract = extract_summary(scenes_of(video), video, video_id="v", uri="/f/IMG_1.mp4", config=SummaryConfig())
    assert extract.headline == "Quick cuts of people, mostly alone, with singing"
    nothing = replace(content([], [], [], 18), sounds=[Sound(0, 0, 18, "music", 0.9)])
    heard = extract_summary([], nothing, video_id="v", uri="/f/rec_1.wav", config=SummaryConfig())
    assert heard.headline == "Music (18 s)"


def test_a_name_that_may_be_misheard_is_kept_out_of_headline_and_summary_or_marked(talk: list[Utterance]) -> None:
    misheard = Entity(
        0, "Dali", "work", "dali", None, (Occurrence("speech", utterance_id("v", 1), 6.0, 11.0, "Dali"),), doubtful=True
    )
    talk[1] = replace(talk[1], text="Dali makes images of bees that live in large colonies.")

    def summary(utterances: list[Utterance], *entities: Entity, **config: int) -> Summary:
        video = replace(content([], [], utterances, 54), entities=entities)
        options = SummaryConfig(**config)
        extract = extract_summary(scenes_of(video), video, video_id="v", uri="/f/a.mp4", config=options)
        return build_summary(extract, Subject(), Abstract())

    certain, doubtful = summary(talk), summary(talk, misheard)
    assert certain.headline == talk[1].text
    assert "Dali" not in doubtful.headline
    assert all(
        "Dali (?)" in each.text for each in summary(talk, misheard, sentences=9).sentences if "Dali" in each.text
    )
    assert not any("Dali" in each.text for each in summary(talk, misheard, sentences=3).sentences)
    alone = summary([talk[1]], misheard)
    assert alone.headline.startswith("Dali (?) makes images")
    assert alone.sentences[0].text == "Dali (?) makes images of bees that live in large colonies."


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Then Salvador Dali came.", ["Dali", "Salvador Dali"], "Then Salvador Dali (?) came."),
        ("Dali's Dalian and Dali.", ["Dali"], "Dali (?)'s Dalian and Dali (?)."),
        ("然后扎卡来了。", ["扎卡"], "然后扎卡 (?)来了。"),
        ("Nobody.", [], "Nobody."),
    ],
)
def test_a_misheard_name_is_marked_once_in_any_script(text: str, names: list[str], expected: str) -> None:
    assert _marked(text, names) == expected


def test_a_heading_on_screen_names_a_video_before_a_line_of_a_song_does() -> None:
    frames = [keyframe(n, 10.0 * n + 1, n, 0) for n in range(4)]
    frames[2] = keyframe(2, 21.0, 2, 0, title="Harbour lights")
    lyrics = [utterance(n, 10.0 * n, 10.0 * n + 9, f"Oh my love will wait for you until day {n}.", 0) for n in range(4)]
    sung = [replace(each, sung=True) for each in lyrics]
    shot_list = shots([0, 10, 20, 30, 40])
    assert summary_of(shot_list, frames, lyrics, 40).headline in {each.text for each in lyrics}
    assert summary_of(shot_list, frames, sung, 40).headline == "Harbour lights"
    assert summary_of(shot_list, [], sung, 40).headline in {each.text for each in sung}, "nothing else names it"
