from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.fusion.conse import top_classes
from pipeline.analysis.fusion.coordinated import coordinated_space
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import FrameEncoder
from pipeline.search.query_encoder import QueryEncoder, Spaces
from schemas.config import TextConfig, VisionConfig
from schemas.tables import NO_ENCODER
from tests.material import clip
from tests.pipeline.analysis.scenes.videos import keyframe
from tests.pipeline.analysis.vision.tiny_models import tiny_classifier, tiny_contrastive, tiny_dinov2

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def text() -> TextEncoder:
    return TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=1)


@pytest.fixture(scope="module")
def images() -> dict[str, np.ndarray]:
    """A cup of coffee, a cat, a motorcycle; a man in a suit who drives; and nothing at all."""
    import av
    from skimage import data

    with av.open(str(clip("carphone"))) as film:
        man = next(film.decode(video=0)).to_ndarray(format="rgb24")
    found = {name: getattr(data, name)() for name in ("coffee", "chelsea")}
    motorcycle = data.stereo_motorcycle()[0]
    return {**found, "motorcycle": motorcycle, "man": man, "black": np.zeros((90, 160, 3), np.uint8)}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "cache"))


def vision(**settings: object) -> FrameEncoder:
    return FrameEncoder(VisionConfig(**settings), device="cpu", threads=1)


def test_images_are_found_by_words_that_are_no_labels_of_theirs(
    text: TextEncoder, images: dict[str, np.ndarray]
) -> None:
    space = coordinated_space(text, vision())
    assert space.space == ("conse:embedded:minilm+embedded:efficientnet-lite0", text.dimensions)
    encoder = QueryEncoder(Spaces(("embedded:minilm", 384), ("embedded:efficientnet-lite0", 1280), space.space))
    queries = ["something hot to drink in the morning", "a pet with whiskers", "a motorbike", "somebody wears a tie"]
    shown = encoder.images(list(images.values())).coordinated
    asked = encoder.texts(queries)
    assert (asked.coordinated @ shown.T).argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert not shown[4].any()
    assert np.allclose(asked.text, text.encode(queries), atol=1e-5)
    assert not asked.vision.any()


def test_a_blank_image_has_no_vector_and_no_label(images: dict[str, np.ndarray]) -> None:
    features = vision(min_label_score=0).encode([images["black"], images["chelsea"], np.full_like(images["man"], 9)])
    assert features.labels[0] == features.labels[2] == ()
    assert not features.embeddings[[0, 2]].any()
    assert features.labels[1][0].label == "Egyptian Mau"


def test_the_labels_kept_do_not_matter_to_the_space(text: TextEncoder, images: dict[str, np.ndarray]) -> None:
    few, many = vision(labels=0), vision(labels=9, min_label_score=0)
    one = coordinated_space(text, few).of_images(few.encode([images["coffee"]]))
    other = coordinated_space(text, many).of_images(many.encode([images["coffee"]]))
    assert np.array_equal(one, other)
    assert one.any()


def test_keyframes_are_placed_where_their_images_are_by_what_the_lake_keeps_of_them(
    text: TextEncoder, images: dict[str, np.ndarray]
) -> None:
    network = vision()
    features = network.encode(list(images.values()))
    assert features.probabilities is not None
    kept = top_classes(features.probabilities)
    assert [len(each.indices) for each in kept] == [100, 100, 100, 100, 0]
    frames = [replace(keyframe(0, 0.0, 0, 0), classes=each) for each in kept]
    space = coordinated_space(text, network)
    assert np.allclose(space.of_keyframes(frames), space.of_images(features), atol=1e-6)
    assert space.of_keyframes([]).shape == (0, text.dimensions)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("architecture", ["clip", "siglip"])
def test_a_contrastive_model_brings_its_own_space_with_random_weights(
    architecture: str, tmp_path: Path, text: TextEncoder, images: dict[str, np.ndarray]
) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = tiny_contrastive(tmp_path / "model", architecture, tokenizer=True)
    network = vision(model=str(folder), precision="float32", labels=0)
    space = coordinated_space(text, network)
    assert space.space == (str(folder), network.dimensions)
    features = network.encode([images["coffee"]])
    assert np.array_equal(space.of_images(features), features.embeddings)
    frame = replace(keyframe(0, 0.0, 0, 0), embedding=features.embeddings[0])
    assert np.array_equal(space.of_keyframes([frame]), features.embeddings[:1])
    assert space.of_keyframes([]).shape == (0, features.embeddings.shape[1])
    padding = "max_length" if architecture == "siglip" else True
    tokens = AutoTokenizer.from_pretrained(folder)(
        "a cat", padding=padding, truncation=True, max_length=16, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = AutoModel.from_pretrained(folder).get_text_features(**tokens).pooler_output.numpy()
    encoder = QueryEncoder(Spaces(NO_ENCODER, space.space, space.space), vision=VisionConfig(precision="float32"))
    found = encoder.texts(["a cat", " "])
    assert np.allclose(found.coordinated[0], expected[0] / np.linalg.norm(expected), atol=1e-5)
    assert not found.coordinated[1].any()


def test_a_classifier_of_ones_own_makes_a_space_with_its_own_labels_with_random_weights(
    tmp_path: Path, text: TextEncoder, images: dict[str, np.ndarray]
) -> None:
    network = vision(model=str(tiny_classifier(tmp_path, "vit")), precision="float32")
    space = coordinated_space(text, network)
    assert space.space == (f"conse:embedded:minilm+{tmp_path}", 384)
    found = space.of_images(network.encode([images["coffee"]]))
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-5)


def test_a_model_that_neither_names_nor_reads_has_no_space_with_random_weights(
    tmp_path: Path, text: TextEncoder, images: dict[str, np.ndarray]
) -> None:
    network = vision(model=str(tiny_dinov2(tmp_path)))
    space = coordinated_space(text, network)
    assert space.space == NO_ENCODER
    assert not space.of_images(network.encode([images["coffee"]])).any()
    spaces = Spaces(("embedded:minilm", 384), (str(tmp_path), 16), NO_ENCODER)
    found = QueryEncoder(spaces).images([images["coffee"]])
    assert found.vision.any()
    assert not found.coordinated.any()
