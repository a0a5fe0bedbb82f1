from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.scenes import TextSpan, screen_spans
from schemas.records import Keyframe, Scene, Shot
from tests.pipeline.analysis.scenes.videos import (
    TEXT,
    content,
    direction,
    keyframe,
    scenes_of,
    seen,
    shots,
    utterance,
)


def frames_for(shot_list: list[Shot], topics: list[int]) -> list[Keyframe]:
    return [
        keyframe(shot.index, (shot.start_s + shot.end_s) / 2, shot.index, topic)
        for shot, topic in zip(shot_list, topics, strict=True)
    ]


def boundaries(scenes: tuple[Scene, ...]) -> list[float]:
    return [scene.start_s for scene in scenes[1:]]


def test_shots_of_the_same_things_are_one_scene_and_others_are_not() -> None:
    shot_list = shots([0, 8, 16, 24, 32, 40, 48])
    scenes = scenes_of(content(shot_list, frames_for(shot_list, [0, 0, 0, 1, 1, 1]), [], 48))
    assert boundaries(scenes) == [24]
    assert scenes[0].shot_indices == (0, 1, 2)


def test_slides_are_labelled_by_what_is_on_them_and_not_as_websites() -> None:
    shot_list = shots([0, 10, 20])
    slide, page = (
        seen(keyframe(n, n * 10 + 5.0, n, 0, title=title), ("website", 0.6), ("wall clock", 0.3))
        for n, title in enumerate(["The Blue Planet", ""])
    )
    scenes = scenes_of(content(shot_list, [slide, page], [], 20))
    assert [[(each.label, each.score) for each in scene.labels] for scene in scenes] == [
        [("wall clock", 0.3), ("website", 0.3)]
    ]


def test_a_music_video_does_not_get_a_scene_a_cut() -> None:
    shot_list = shots([float(second) for second in range(121)])
    topics = [int(topic) for topic in np.random.default_rng(0).integers(0, 6, 120)]
    scenes = scenes_of(content(shot_list, frames_for(shot_list, topics), [], 120))
    assert len(scenes) < 20


def test_a_slide_talk_gets_a_scene_a_slide() -> None:
    shot_list = shots([0, 20, 40, 60, 80], transition="slide")
    spoken = [utterance(n, 5.0 * n, 5.0 * n + 4, f"Sentence {n}.", n // 4) for n in range(16)]
    scenes = scenes_of(content(shot_list, frames_for(shot_list, [0, 0, 0, 0]), spoken, 80))
    assert boundaries(scenes) == [20, 40, 60]


def test_sound_alone_is_cut_where_the_talk_turns_to_something_else() -> None:
    spoken = [utterance(n, 10.0 * n, 10.0 * n + 9, f"Sentence {n}.", 0 if n < 12 else 1) for n in range(24)]
    scenes = scenes_of(content([], [], spoken, 240))
    assert any(abs(boundary - 120) < 12 for boundary in boundaries(scenes))
    assert all(scene.vision_weight == 0 and scene.text_weight == 1 for scene in scenes)
    assert all(not scene.vision_embedding.any() for scene in scenes)


def test_a_silent_video_is_not_biased_by_the_missing_speech() -> None:
    shot_list = shots([0, 10, 20])
    scenes = scenes_of(content(shot_list, frames_for(shot_list, [0, 3]), [], 20))
    for scene in scenes:
        assert (scene.text_weight, scene.vision_weight) == (0.0, 1.0)
        assert np.allclose(scene.fused_embedding[TEXT:], scene.vision_embedding)
        assert not scene.fused_embedding[:TEXT].any()


def test_a_scene_holds_what_is_said_then_what_is_written_in_it() -> None:
    shot_list = shots([0, 10])
    frames = [keyframe(0, 1.0, 0, 0, title="Oceans"), keyframe(1, 6.0, 0, 0, title="Oceans")]
    spans = screen_spans(frames, 10.0)
    assert spans == [(1.0, 10.0, "Oceans")]
    screen = [TextSpan(*spans[0], direction(0, TEXT), "screen")]
    scenes = scenes_of(content(shot_list, frames, [utterance(0, 2, 4, "The sea is deep.", 0)], 10, screen))
    assert scenes[0].text == "The sea is deep.\nOceans"
    assert "Oceans" in scenes[0].caption


@pytest.mark.parametrize("title", ["", "7", "口", "12:30"])
def test_a_letter_or_a_number_on_screen_means_nothing_by_itself(title: str) -> None:
    assert screen_spans([keyframe(0, 1.0, 0, 0, title=title)], 10.0) == []


@given(
    lengths=st.lists(st.floats(0.2, 400.0), max_size=12),
    talk=st.lists(st.tuples(st.floats(0, 300), st.floats(0.1, 40), st.integers(0, 5)), max_size=12),
    rest_s=st.floats(0, 100),
)
def test_scenes_cover_every_video_without_gaps(
    lengths: list[float], talk: list[tuple[float, float, int]], rest_s: float
) -> None:
    edges = [0.0, *np.cumsum(lengths).tolist()]
    shot_list = shots(edges)
    spoken = [utterance(n, begin, begin + long, "Words.", topic) for n, (begin, long, topic) in enumerate(sorted(talk))]
    duration_s = max(edges[-1] + rest_s, *(each.end_s for each in spoken), 0.5)
    scenes = scenes_of(
        content(shot_list, frames_for(shot_list, [shot.index % 4 for shot in shot_list]), spoken, duration_s)
    )
    assert scenes[0].start_s == 0.0
    assert scenes[-1].end_s == duration_s
    assert all(one.end_s == other.start_s for one, other in pairwise(scenes))
    assert all(scene.start_s < scene.end_s for scene in scenes)
    for scene in scenes:
        length = float(np.linalg.norm(scene.fused_embedding))
        assert length == pytest.approx(1.0, abs=1e-3) or not scene.fused_embedding.any()
    assert sorted({index for scene in scenes for index in scene.shot_indices}) == [shot.index for shot in shot_list]


def test_ten_hours_of_talk_are_no_burden() -> None:
    spoken = [utterance(n, 4.0 * n, 4.0 * n + 3, "Words.", n // 300) for n in range(9000)]
    scenes = scenes_of(content([], [], spoken, 36_000))
    assert 20 < len(scenes) < 1200


def test_a_video_of_no_length_has_no_scene() -> None:
    assert scenes_of(content([], [], [], 0.0)) == ()
