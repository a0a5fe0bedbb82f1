import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pipeline.analysis.vision import FrameEncoder
from schemas.config import VisionConfig
from schemas.errors import ModelError
from tests.pipeline.analysis.vision.tiny_models import tiny_classifier, tiny_contrastive, tiny_dinov2


def encoder(**settings: object) -> FrameEncoder:
    return FrameEncoder(VisionConfig(**settings), device="cpu", threads=1)


def photograph(name: str) -> np.ndarray:
    """Real photographs that come with scikit-learn: a temple in China, a dahlia."""
    from sklearn.datasets import load_sample_image

    return np.ascontiguousarray(load_sample_image(name))


@pytest.fixture(scope="module")
def efficientnet() -> FrameEncoder:
    return encoder(precision="float32")


@pytest.fixture
def noise() -> list[np.ndarray]:
    generator = np.random.default_rng(7)
    return [generator.integers(0, 255, (*size, 3), dtype=np.uint8) for size in ((72, 128), (90, 50), (33, 33))]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "cache"))


@pytest.mark.models
def test_a_temple_is_labelled_as_one(efficientnet: FrameEncoder):
    (labels,) = efficientnet.encode([photograph("china.jpg")]).labels
    assert {"bell tower", "palace", "church", "monastery"} & {label.label for label in labels[:3]}
    assert list(labels) == sorted(labels, key=lambda label: -label.score)
    assert all(label.score >= 0.05 for label in labels)


@pytest.mark.models
def test_embeddings_are_of_unit_length_and_near_for_views_of_the_same_scene(efficientnet: FrameEncoder):
    temple, flower = photograph("china.jpg"), photograph("flower.jpg")
    vectors = efficientnet.encode([temple, temple[:, 20:], flower]).embeddings
    assert vectors.shape == (3, efficientnet.dimensions) == (3, 1280)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.9 > vectors[0] @ vectors[2]


@pytest.mark.models
def test_the_size_of_the_frame_hardly_matters(efficientnet: FrameEncoder):
    temple = photograph("china.jpg")
    small = cv2.resize(temple, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    vectors = efficientnet.encode([temple, small]).embeddings
    assert vectors[0] @ vectors[1] > 0.95


@pytest.mark.models
def test_batching_does_not_change_embeddings_or_labels(efficientnet: FrameEncoder, noise: list[np.ndarray]):
    images = [photograph("china.jpg"), *noise, photograph("flower.jpg")]
    together = efficientnet.encode(images)
    one_by_one = encoder(precision="float32", batch_size=1).encode(images)
    assert np.abs(together.embeddings - one_by_one.embeddings).max() < 1e-4
    names = [[[label.label for label in row] for row in found.labels] for found in (together, one_by_one)]
    assert names[0] == names[1]


@pytest.mark.models
def test_bfloat16_agrees_with_float32(efficientnet: FrameEncoder):
    images = [photograph("china.jpg"), photograph("flower.jpg")]
    exact, quick = efficientnet.encode(images), encoder(precision="bfloat16").encode(images)
    assert (exact.embeddings * quick.embeddings).sum(axis=1).min() > 0.98
    assert abs(exact.labels[0][0].score - quick.labels[0][0].score) < 0.1


@pytest.mark.models
@pytest.mark.parametrize("shape", [(1, 1, 3), (2000, 3, 3), (3, 2000, 3), (224, 224, 3)])
def test_frames_of_any_shape_are_encoded(efficientnet: FrameEncoder, shape: tuple[int, ...]):
    features = efficientnet.encode([np.zeros(shape, dtype=np.uint8)])
    assert np.isfinite(features.embeddings).all()
    assert len(features.labels) == 1


@pytest.mark.models
def test_no_frames_give_no_features(efficientnet: FrameEncoder):
    features = efficientnet.encode([])
    assert features.embeddings.shape == (0, 1280)
    assert features.labels == ()


@pytest.mark.parametrize("architecture", ["vit", "resnet", "convnext"])
@pytest.mark.slow
def test_classifiers_give_their_own_labels_and_the_input_of_their_last_layer_with_random_weights(
    tmp_path: Path, architecture: str, noise: list[np.ndarray]
):
    folder = tiny_classifier(tmp_path, architecture)
    found = encoder(model=str(folder), min_label_score=0, precision="float32")
    features = found.encode(noise)
    assert found.label_names == ("cat", "dog", "red fox")
    assert features.embeddings.shape == (3, 16)
    assert [sum(label.score for label in row) for row in features.labels] == pytest.approx([1, 1, 1], abs=1e-4)


@pytest.mark.parametrize("architecture", ["clip", "siglip"])
@pytest.mark.slow
def test_contrastive_models_give_image_features_and_zero_shot_labels_with_random_weights(
    tmp_path: Path, architecture: str, noise: list[np.ndarray]
):
    import torch
    from transformers import AutoImageProcessor, AutoModel

    folder = tiny_contrastive(tmp_path, architecture, tokenizer=True)
    found = encoder(model=str(folder), min_label_score=0, precision="float32")
    features = found.encode(noise)
    pixels = AutoImageProcessor.from_pretrained(folder, backend="pil")(images=noise, return_tensors="pt")
    with torch.inference_mode():
        expected = AutoModel.from_pretrained(folder).get_image_features(**pixels).pooler_output.numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(features.embeddings - expected).max() < 1e-5
    assert len(found.label_names) == 1000
    assert all(len(row) == 5 for row in features.labels)


@pytest.mark.slow
def test_a_contrastive_model_without_a_tokenizer_gives_no_labels_with_random_weights(
    tmp_path: Path, noise: list[np.ndarray]
):
    found = encoder(model=str(tiny_contrastive(tmp_path, "clip", tokenizer=False)))
    assert found.label_names == ()
    assert found.encode(noise).labels == ((), (), ())


@pytest.mark.slow
def test_an_encoder_without_a_task_gives_embeddings_and_no_labels_with_random_weights(
    tmp_path: Path, noise: list[np.ndarray]
):
    features = encoder(model=str(tiny_dinov2(tmp_path))).encode(noise)
    assert features.embeddings.shape == (3, 16)
    assert features.labels == ((), (), ())


@pytest.mark.slow
def test_a_text_model_is_refused_as_frame_encoder(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match=r"cannot be loaded as a vision model"):
        encoder(model=str(tmp_path))


@pytest.mark.models
def test_torchvision_is_never_imported():
    code = (
        "import sys, numpy as np\n"
        "from pipeline.analysis.vision import FrameEncoder\nfrom schemas.config import VisionConfig\n"
        "FrameEncoder(VisionConfig(), device='cpu', threads=1).encode([np.zeros((9, 9, 3), np.uint8)])\n"
        "print('torchvision' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.models
def test_the_last_layer_keeps_its_exact_weights_in_bfloat16():
    import torch

    from pipeline.analysis.vision.efficientnet import EfficientNetLite
    from pipeline.models import resolve

    weights = resolve("vision", "embedded:efficientnet-lite0").path
    saved = torch.load(weights, weights_only=True)["_fc.weight"]
    network = EfficientNetLite(weights, device="cpu", dtype=torch.bfloat16)
    assert torch.equal(network._classifier.weight, saved)


@pytest.mark.models
def test_our_forward_pass_computes_what_that_of_the_package_does(efficientnet: FrameEncoder):
    network = efficientnet._network
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = network._network.extract_features(pixels).mean(dim=(2, 3))
    torch.testing.assert_close(network.run(pixels)[0], expected, rtol=1e-4, atol=1e-4)
