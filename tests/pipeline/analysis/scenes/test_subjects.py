from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.scenes import (
    Dimensions,
    Subject,
    Subjects,
    VideoContent,
    build_scenes,
    find_scenes,
    find_subjects,
    speech_spans,
)
from pipeline.analysis.scenes.topics import TopicSpace
from pipeline.analysis.taxonomy import load_taxonomy
from pipeline.analysis.text import TextEncoder
from schemas.config import KeyphrasesConfig, ScenesConfig, TextConfig, TopicsConfig
from schemas.records import Keyframe, Utterance
from tests.pipeline.analysis.scenes.videos import DIMENSIONS, TEXT, VISION, content, keyframe, shots, utterance


class Letters:
    """Turns a text into counts of its letters, and counts how often it is asked."""

    recipe = "letters"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.batches.append(len(texts))
        vectors = np.array([[text.lower().count(letter) for letter in "aeinorst"] for text in texts], np.float32)
        vectors = vectors.reshape(len(texts), TEXT)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def subjects_of(
    frames: list[Keyframe], spoken: list[Utterance], duration_s: float, encoder: Letters, count: int = 6
) -> Subjects:
    video = content(shots([0, duration_s / 2, duration_s]), frames, spoken, duration_s)
    return find_subjects(
        find_scenes(video, dimensions=DIMENSIONS, config=ScenesConfig()), video, encoder=encoder, space=None,
        topics=TopicsConfig(), keyphrases=KeyphrasesConfig(count=count),
    )  # fmt: skip


def test_all_candidates_of_a_video_are_encoded_in_one_batch() -> None:
    encoder = Letters()
    spoken = [utterance(n, 5.0 * n, 5.0 * n + 4, f"Coral reefs and tide number{n} again.", n) for n in range(12)]
    found = subjects_of([], spoken, 60, encoder)
    assert len(encoder.batches) == 1
    assert found.video.keyphrases
    assert all(scene.keyphrases for scene in found.scenes)


@pytest.mark.slow
def test_a_long_talk_encodes_no_more_candidates_than_a_short_one_may() -> None:
    encoder = Letters()
    spoken = [
        utterance(n, 4.0 * n, 4.0 * n + 3, f"Alpha{n} beta{n} gamma{n}. Delta{n} stone{n}!", n // 40)
        for n in range(4000)
    ]
    subjects_of([], spoken, 16_000, encoder)
    assert sum(encoder.batches) <= 1500


def test_doubtful_speech_gives_no_keyphrases_and_what_is_written_does() -> None:
    frames = [keyframe(0, 5.0, 0, 0, title="Coral reefs"), keyframe(1, 8.0, 0, 0, title="Coral reefs")]
    spoken = [
        utterance(0, 1, 4, "Tide tables and sand.", 0),
        utterance(1, 5, 9, "Invented noise everywhere.", 0, flags=("low_logprob",)),
    ]
    phrases = {label.label for label in subjects_of(frames, spoken, 10, Letters()).video.keyphrases}
    assert phrases
    assert not any("noise" in phrase or "Invented" in phrase for phrase in phrases)


def test_a_silent_video_without_text_has_no_keyphrases_and_zero_asks_for_none() -> None:
    assert subjects_of([keyframe(0, 5.0, 0, 0, label="espresso")], [], 10, Letters()).video.keyphrases == ()
    spoken = [utterance(0, 1, 4, "Tide tables and sand.", 0)]
    found = subjects_of([], spoken, 10, encoder := Letters(), count=0)
    assert found.video.keyphrases == ()
    assert encoder.batches == []


def test_a_video_of_no_length_has_no_subjects() -> None:
    found = find_subjects(
        [],
        content([], [], [], 0.0),
        encoder=Letters(),
        space=None,
        topics=TopicsConfig(),
        keyphrases=KeyphrasesConfig(),
    )
    assert found == Subjects(Subject(), ())


@given(
    talk=st.lists(st.tuples(st.floats(0, 90), st.floats(0.1, 20), st.text("abe nor.st,!", max_size=40)), max_size=10),
    titles=st.lists(st.tuples(st.floats(0, 99), st.text("aeinor st", max_size=20)), max_size=5),
)
def test_scenes_keep_their_place_and_their_phrases_are_said_or_written(
    talk: list[tuple[float, float, str]], titles: list[tuple[float, str]]
) -> None:
    spoken = [utterance(n, begin, begin + long, text, n) for n, (begin, long, text) in enumerate(sorted(talk))]
    frames = [keyframe(n, time_s, 0, n, title=text) for n, (time_s, text) in enumerate(sorted(titles))]
    found = subjects_of(frames, spoken, 110, Letters())
    contents = find_scenes(
        content(shots([0, 55, 110]), frames, spoken, 110), dimensions=DIMENSIONS, config=ScenesConfig()
    )
    nothing = np.zeros(TEXT, np.float32)
    scenes = build_scenes(contents, found.scenes, [(nothing, 0.0, 0.0)] * len(contents))
    texts = [each.text for each in spoken] + [line.text for frame in frames for line in frame.text_lines]
    assert [scene.index for scene in scenes] == list(range(len(found.scenes)))
    assert [scene.start_s for scene in scenes] == [each.start_s for each in contents]
    assert [scene.keyphrases for scene in scenes] == [subject.keyphrases for subject in found.scenes]
    for label in [*found.video.keyphrases, *(label for scene in found.scenes for label in scene.keyphrases)]:
        assert any(label.label in text for text in texts)
        assert 0 <= label.score <= 1


@pytest.mark.models
def test_a_report_of_two_subjects_has_both_topics_each_in_its_scene() -> None:
    encoder = TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=1)
    said = [
        "Whales dive deep to hunt squid in the dark sea.", "Coral reefs are home to a quarter of all fish.",
        "The rocket carries its crew to the space station.", "Astronauts float in orbit and repair the telescope.",
    ]  # fmt: skip
    spoken = [
        replace(utterance(n, 15.0 * n, 15.0 * n + 14, text, 0), embedding=vector)
        for n, (text, vector) in enumerate(zip(said, encoder.encode(said), strict=True))
    ]
    dimensions = Dimensions(text=encoder.dimensions, vision=VISION, coordinated=1)
    video = VideoContent(60, [], [], spoken, speech_spans(spoken, encoder.dimensions))
    found = find_subjects(
        find_scenes(video, dimensions=dimensions, config=ScenesConfig()), video, encoder=encoder,
        space=TopicSpace(load_taxonomy("general"), encoder), topics=TopicsConfig(), keyphrases=KeyphrasesConfig(),
    )  # fmt: skip
    assert {label.label for label in found.video.topics} >= {"ocean and marine life", "space exploration"}
    assert found.scenes[0].topics[0].label == "ocean and marine life"
    assert found.scenes[-1].topics[0].label == "space exploration"
