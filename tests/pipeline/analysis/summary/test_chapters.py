from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.summary.chapters import make_chapters
from pipeline.analysis.summary.partition import partition
from pipeline.analysis.summary.statements import spoken_statements
from schemas.records import Chapter, Keyframe, Label, Scene, Utterance
from tests.pipeline.analysis.scenes.videos import TEXT, VISION, direction, keyframe, utterance


def scene(index: int, start_s: float, end_s: float, topic: int, phrases: tuple[str, ...] = ()) -> Scene:
    text, vision = direction(topic, TEXT, seed=index), direction(topic, VISION, seed=index)
    keyphrases = tuple(Label(phrase, 0.6) for phrase in phrases)
    fused = np.concatenate([text, vision]) / np.float32(2**0.5)
    return Scene(index, start_s, end_s, (), "", "", (), text, vision, fused, 0.5, 0.5, keyphrases)


def chapters_of(
    scenes: list[Scene],
    frames: list[Keyframe] | None = None,
    utterances: list[Utterance] | None = None,
    *,
    min_chapter_s: float = 30.0,
    headline: str = "",
) -> tuple[Chapter, ...]:
    return make_chapters(
        scenes, frames or [], spoken_statements(utterances or [], [], [], "v"),
        duration_s=scenes[-1].end_s if scenes else 0.0, min_chapter_s=min_chapter_s, headline=headline,
    )  # fmt: skip


@given(
    lengths=st.lists(st.floats(0.05, 300.0), min_size=1, max_size=60),
    topics=st.lists(st.integers(0, 7), min_size=60, max_size=60),
    min_chapter_s=st.floats(0.5, 400.0),
)
def test_chapters_cover_the_video_in_order_and_none_is_short(
    lengths: list[float], topics: list[int], min_chapter_s: float
) -> None:
    edges = [0.0, *np.cumsum(lengths).tolist()]
    scenes = [scene(n, low, high, topics[n]) for n, (low, high) in enumerate(pairwise(edges))]
    chapters = chapters_of(scenes, min_chapter_s=min_chapter_s)
    assert chapters[0].start_s == 0.0
    assert chapters[-1].end_s == edges[-1]
    assert all(one.end_s == other.start_s for one, other in pairwise(chapters))
    assert {chapter.start_s for chapter in chapters} <= set(edges)
    assert len({chapter.title.casefold() for chapter in chapters}) == len(chapters)
    if len(chapters) > 1:
        assert all(chapter.end_s - chapter.start_s >= min_chapter_s - 1e-6 for chapter in chapters)


@pytest.mark.parametrize(
    ("minutes", "min_count", "max_count"), [(1, 1, 2), (10, 3, 5), (60, 6, 13), (180, 11, 23), (1440, 12, 24)]
)
def test_long_videos_have_more_chapters_but_never_a_list_that_nobody_reads(
    minutes: int, min_count: int, max_count: int
) -> None:
    scenes = [scene(n, 20.0 * n, 20.0 * (n + 1), n // 7) for n in range(3 * minutes)]
    assert min_count <= len(chapters_of(scenes)) <= max_count


def test_chapters_begin_where_the_subject_changes() -> None:
    subjects = [0] * 8 + [1] * 5 + [2] * 9 + [3] * 8
    scenes = [scene(n, 20.0 * n, 20.0 * (n + 1), subject) for n, subject in enumerate(subjects)]
    assert [chapter.start_s for chapter in chapters_of(scenes)] == [0.0, 160.0, 260.0, 440.0]


def test_a_title_on_screen_beats_keyphrases_which_beat_sentences() -> None:
    scenes = [scene(n, 60.0 * n, 60.0 * (n + 1), n, ("warm currents",) if n == 1 else ()) for n in range(3)]
    spoken = [utterance(n, 60.0 * n + 5, 60.0 * n + 9, f"Sentence {n} is about the sea.", n) for n in range(3)]
    chapters = chapters_of(scenes, [keyframe(0, 2.0, 0, 0, title="The Blue Planet")], spoken)
    assert [chapter.title for chapter in chapters] == [
        "The Blue Planet", "Warm currents", "Sentence 2 is about the sea"
    ]  # fmt: skip


def test_keyphrases_that_all_chapters_share_do_not_name_one() -> None:
    scenes = [scene(n, 90.0 * n, 90.0 * (n + 1), n, ("ocean", f"subject {n}")) for n in range(4)]
    titles = [chapter.title for chapter in chapters_of(scenes)]
    assert [title.split(",")[0] for title in titles] == [f"Subject {n}" for n in range(4)]


def test_what_is_no_title_is_not_taken_for_one() -> None:
    scenes = [scene(0, 0.0, 60.0, 0)]
    for text in ("info@example.org", "00:00:02;00", "xkrtz qwrt", "口", "71 %", "www.example.org"):
        assert chapters_of(scenes, [keyframe(0, 2.0, 0, 0, title=text)])[0].title == "Part 1"
    small = keyframe(0, 2.0, 0, 0, title="A subtitle that is small")
    line = replace(small.text_lines[0], box=(0.1, 0.5, 0.4, 0.52))
    assert chapters_of(scenes, [replace(small, text_lines=(line,))])[0].title == "Part 1"


def test_a_channel_logo_is_the_title_of_no_chapter() -> None:
    scenes = [scene(n, 60.0 * n, 60.0 * (n + 1), n) for n in range(5)]
    frames = [keyframe(n, 10.0 * n + 1, n, n, title="Channel Nine") for n in range(30)]
    titles = [chapter.title for chapter in chapters_of(scenes, frames)]
    assert titles == [f"Part {n + 1}" for n in range(len(titles))]


def test_the_only_chapter_of_a_video_is_called_as_the_video_is() -> None:
    assert chapters_of([scene(0, 0.0, 20.0, 0)], headline="A walk by the sea.")[0].title == "A walk by the sea"


def test_no_scene_no_chapter() -> None:
    assert chapters_of([]) == ()
    assert partition(np.zeros((0, 4)), [], min_s=1, min_count=1, max_count=5) == []


def test_thousands_of_scenes_are_joined_without_a_burden() -> None:
    vectors = np.stack([direction(n // 500, 16, seed=n) for n in range(4000)])
    starts = partition(vectors, [5.0] * 4000, min_s=30.0, min_count=4, max_count=24)
    assert len(starts) == 8
    assert np.allclose(starts, np.arange(8) * 500, atol=8)
