import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.topics import known_passages, score
from pipeline.analysis.scenes.topics import TopicSpace, TopicSpaces, by_share, calibrated, either, strongest
from pipeline.analysis.taxonomy import load_taxonomy, taxonomy_info, taxonomy_text
from pipeline.analysis.text import TextEncoder
from pipeline.models import resolve
from pipeline.run.revision import models_of, revision_of
from schemas.config import Config, TextConfig, TopicsConfig
from schemas.errors import ConfigurationError
from schemas.records import Label

MINE = """
background = ["hello there"]
[[topics]]
name = "tides"
description = "The sea rises and falls."
examples = ["at low tide the harbour is dry"]
[[topics]]
name = "bread"
description = "Dough, yeast and ovens."
examples = ["the loaf needs an hour in the oven"]
"""


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=1)


@pytest.fixture(scope="module")
def general(encoder: TextEncoder) -> TopicSpace:
    return TopicSpace(load_taxonomy("general"), encoder)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    return file


def topics_of(space: TopicSpace, scores: np.ndarray) -> list[str]:
    return [label.label for label in strongest(space.names, scores, count=3, min_score=TopicsConfig().min_score)]


def test_the_taxonomy_that_ships_has_about_a_hundred_topics_with_descriptions_and_examples() -> None:
    taxonomy = load_taxonomy("general")
    assert 90 <= len(taxonomy.topics) <= 120
    assert all(topic.description and len(topic.examples) >= 2 for topic in taxonomy.topics)


@pytest.mark.models
@pytest.mark.parametrize(
    ("said", "topic"),
    [
        ("Down here there is no sunlight, and yet the sea floor is full of fish.", "ocean and marine life"),
        ("Bicycles are the fastest way through the city, and more people ride them every year.", "cycling"),
        ("The rocket carries its crew to the space station.", "space exploration"),
        ("Add garlic and tomatoes and season the sauce with salt.", "cooking"),
    ],
)
def test_what_is_said_gives_its_topic_first(general: TopicSpace, encoder: TextEncoder, said: str, topic: str) -> None:
    assert topics_of(general, general.of_texts(encoder.encode([said]))[0])[0] == topic


@pytest.mark.models
@pytest.mark.parametrize("said", ["Um, right. So, yeah.", "Thank you very much.", "00:00:12:04", "zzxq vvk", "", "   "])
def test_what_is_about_nothing_gives_no_topic(general: TopicSpace, encoder: TextEncoder, said: str) -> None:
    assert topics_of(general, general.of_texts(encoder.encode([said]))[0]) == []


@pytest.mark.models
def test_scenes_around_a_scene_say_what_it_is_about(general: TopicSpace, encoder: TextEncoder) -> None:
    vague, about = "This one is the best of them all.", "Bees collect nectar and bring it to the hive."
    alone = general.of_texts(encoder.encode([vague]))[0]
    texts = encoder.encode([about, vague, about, "", about])
    found = general.of_scenes(texts, [10.0] * 5)
    insects = general.names.index("insects")
    assert topics_of(general, alone) == []
    assert found[1, insects] > 3 * alone[insects]
    assert not found[3].any(), "a scene without text stays without"
    assert general.of_scenes(texts[:1], [10.0]) == pytest.approx(general.of_texts(texts[:1]))
    far = general.of_scenes(encoder.encode([about, vague]), [10.0, 10_000.0])
    assert far[1] == pytest.approx(alone, abs=0.01)


@pytest.mark.models
def test_scores_are_probabilities_and_no_text_has_none(general: TopicSpace) -> None:
    rows = np.random.default_rng(0).standard_normal((50, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[7] = 0
    found = general.of_texts(rows)
    assert found.shape == (50, len(general.names))
    assert found.min() >= 0
    assert found.max() <= 1
    assert not found[7].any()


@pytest.mark.models
def test_pictures_give_topics_only_where_their_labels_are_sure(general: TopicSpace) -> None:
    sure, unsure, none = general.of_labels([[Label("violin", 0.9)], [Label("violin", 0.2)], []])
    assert topics_of(general, sure) == ["music"]
    assert topics_of(general, unsure) == topics_of(general, none) == []
    assert not none.any()


@pytest.mark.models
def test_labels_that_name_text_or_clothes_say_nothing_of_the_topic_and_breeds_are_dogs(general: TopicSpace) -> None:
    slide, speaker, breeds = general.of_labels(
        [
            [Label("website", 0.9)],
            [Label("suit", 0.6), Label("Windsor tie", 0.4)],
            [Label("Border Terrier", 0.3), Label("Cairn Terrier", 0.3), Label("Norfolk Terrier", 0.2)],
        ]
    )
    assert not slide.any()
    assert not speaker.any()
    assert topics_of(general, breeds) == ["pets"]


@pytest.mark.models
def test_a_file_of_ones_own_is_the_taxonomy(mine: Path, encoder: TextEncoder) -> None:
    space = TopicSpace(load_taxonomy(str(mine)), encoder)
    assert space.names == ("tides", "bread")
    (scores,) = space.of_texts(encoder.encode(["The baker kneads dough at night."]))
    assert topics_of(space, scores) == ["bread"]


@pytest.mark.models
def test_a_taxonomy_of_a_single_topic_without_examples_works(tmp_path: Path, encoder: TextEncoder) -> None:
    (tmp_path / "one.toml").write_text('[[topics]]\nname = "chess"\n')
    space = TopicSpace(load_taxonomy(str(tmp_path / "one.toml")), encoder)
    found = space.of_texts(encoder.encode(["The queen takes the bishop: chess at its best.", "Rain is expected."]))[
        :, 0
    ]
    assert found[0] > 0.9
    assert found[0] > found[1]


def test_the_taxonomy_is_read_once_by_each_encoder(mine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "cache"))

    class Counting:
        def __init__(self, recipe: str) -> None:
            self.recipe, self.calls = recipe, 0

        def encode(self, texts):
            self.calls += 1
            return np.random.default_rng(len(texts)).standard_normal((len(texts), 4)).astype(np.float32)

    spaces, one, other = TopicSpaces(load_taxonomy(str(mine))), Counting("one"), Counting("other")
    assert spaces.of(one) is spaces.of(one)
    assert spaces.of(other) is not spaces.of(one)
    assert (one.calls, other.calls) == (1, 1)
    TopicSpaces(load_taxonomy(str(mine))).of(again := Counting("one"))
    assert again.calls == 0, "another worker finds the vectors in the cache"


def test_editing_the_taxonomy_or_naming_another_is_another_revision(mine: Path) -> None:
    mine.with_name("sub").mkdir()

    def revision(taxonomy: str) -> str:
        config = Config(topics=TopicsConfig(taxonomy=taxonomy))
        return revision_of(config, models_of(config))

    before = revision(str(mine))
    assert before == revision(str(mine))
    assert revision(str(shutil.move(mine, mine.with_name("sub") / mine.name))) == before, "moving it changes nothing"
    shutil.move(mine.with_name("sub") / mine.name, mine)
    mine.write_text(MINE.replace("an hour", "two hours"))
    assert revision(str(mine)) != before
    assert len({before, revision("general"), revision("none")}) == 3


def test_a_taxonomy_is_listed_among_the_models_with_its_digest(mine: Path) -> None:
    info = taxonomy_info(str(mine))
    assert (info.role, info.id, info.path, len(info.digest)) == ("topics", "mine.toml", mine, 16)
    assert taxonomy_info("general").licence == "Apache-2.0"
    assert resolve("text", "embedded:minilm").digest != info.digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[topics]\n", "is not valid TOML"),
        ("", "topics: Field required"),
        ("topics = []\n", "topics: Tuple should have at least 1 item"),
        ('[[topics]]\ndescription = "no name"\n', r"topics\.0\.name: Field required"),
        ('[[topics]]\nname = "a"\nexample = "b"\n', r"topics\.0\.example: unknown key"),
        ('[[topics]]\nname = "a"\n[[topics]]\nname = "a"\n', "several topics with the same name: a"),
        ('[[topics]]\nname = "a"\n[[topics]]\nname = "a "\n', "several topics with the same name: a"),
        ('[[topics]]\nname = " "\n', r"topics\.0\.name: String should have at least 1 character"),
    ],
)
def test_a_file_that_is_no_taxonomy_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        load_taxonomy(str(tmp_path / "bad.toml"))


def test_a_taxonomy_that_is_not_there_says_which_ship(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"neither a built-in taxonomy \(general\) nor a readable file"):
        taxonomy_text(str(tmp_path / "none.toml"))


def test_a_topic_that_fills_a_fifth_of_the_video_counts_fully_and_less_of_it_less() -> None:
    scenes = np.array([[0.9, 0.1], [0.1, 0.8], [0.1, 0.1]])
    assert by_share(scenes, [20, 10, 70], min_score=0.4) == pytest.approx([0.9, 0.4])
    assert by_share(np.zeros((0, 2)), [], min_score=0.4).tolist() == [0, 0]


def test_either_is_at_least_as_sure_as_each() -> None:
    one, other = np.array([0.0, 0.5, 1.0]), np.array([0.3, 0.5, 0.2])
    assert either(one, other) == pytest.approx([0.3, 0.75, 1.0])


@settings(max_examples=30)
@given(arrays(np.float64, (3, 5), elements=st.floats(0, 1)))
def test_calibration_keeps_the_order_of_a_texts_topics_and_what_is_impossible(scores: np.ndarray) -> None:
    found = calibrated(scores)
    assert found.min() >= 0
    assert found.max() <= 1
    assert not found[scores == 0].any()
    for before, after in zip(scores, found, strict=True):
        ordered = (np.diff(after[np.argsort(before, kind="stable")]) >= -1e-12).all()
        assert ordered or np.isclose(before, before.max(), rtol=0, atol=1e-6).sum() > 1, "equal ones share"


def test_a_topic_is_more_probable_as_the_first_of_a_text_than_as_its_second() -> None:
    first, second = calibrated(np.array([[0.3, 0.1], [0.6, 0.3]]))
    assert first[0] > second[1]


@pytest.mark.models
def test_scores_of_texts_that_nothing_was_tuned_on_are_probabilities(general: TopicSpace, encoder: TextEncoder) -> None:
    texts = [each for each in known_passages() if not each.for_tuning]
    scored = score(texts, encoder, general)
    assert scored.right[:, 0].mean() > 0.6
    assert abs(scored.scores[:, 0].mean() - scored.right[:, 0].mean()) < 0.1
