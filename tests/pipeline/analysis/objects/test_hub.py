from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.objects import ObjectDetector
from pipeline.run.revision import models_of, revision_of
from schemas.config import Config, ObjectsConfig
from schemas.errors import ModelError
from tests.pipeline.analysis.objects.tiny_detectors import CLASSES, tiny_detector

pytestmark = pytest.mark.slow

ARCHITECTURES = ("rt_detr", "detr", "yolos")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("detectors")
    return {name: tiny_detector(root / name, name) for name in ARCHITECTURES}


def detector(folder: Path, **settings: object) -> ObjectDetector:
    config = ObjectsConfig(model=str(folder), precision="float32", **{"min_score": 0.01, **settings})
    return ObjectDetector(config, device="cpu", threads=1)


@pytest.fixture
def noise() -> list[np.ndarray]:
    generator = np.random.default_rng(7)
    return [generator.integers(0, 255, (*size, 3), dtype=np.uint8) for size in ((72, 128), (90, 50), (33, 33))]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_detectors_of_transformers_find_labelled_boxes_with_random_weights(
    folders: dict[str, Path], architecture: str, noise: list[np.ndarray]
):
    found = detector(folders[architecture]).detect(noise, [()] * 3)
    assert all(found)
    for each in (each for objects in found for each in objects):
        x0, y0, x1, y1 = each.box
        assert each.label in CLASSES
        assert 0.01 <= each.score <= 1
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
    assert detector(folders[architecture], min_score=1.0).detect(noise, [()] * 3) == [(), (), ()]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_objects_do_not_depend_on_the_batch_with_random_weights(
    folders: dict[str, Path], architecture: str, noise: list[np.ndarray]
):
    together = detector(folders[architecture]).detect(noise, [()] * 3)
    one_by_one = detector(folders[architecture], batch_size=1).detect(noise, [()] * 3)
    for one, other in zip(together, one_by_one, strict=True):
        assert [each.label for each in one] == [each.label for each in other]
        for a, b in zip(one, other, strict=True):
            assert a.box == pytest.approx(b.box, abs=1e-3)


def test_the_weights_of_a_detector_are_part_of_the_revision_with_random_weights(folders: dict[str, Path]):
    configs = [Config(objects=ObjectsConfig(model=str(folders[name]))) for name in ("rt_detr", "detr")]
    configs.append(Config(objects=ObjectsConfig(model="none")))
    assert len({revision_of(config, models_of(config)) for config in configs}) == 3
    assert not any(model.role == "objects" for model in models_of(configs[-1]))


def test_a_model_of_another_kind_is_refused(tmp_path: Path, folders: dict[str, Path]):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model" / "model.safetensors").write_bytes((folders["detr"] / "model.safetensors").read_bytes())
    with pytest.raises(ModelError, match=r"objects\.model: .* cannot be loaded as an object detector"):
        detector(tmp_path / "model")


def test_code_in_a_models_folder_never_runs(tmp_path: Path, folders: dict[str, Path]):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes((folders["detr"] / "model.safetensors").read_bytes())
    (folder / "config.json").write_text(
        '{"model_type": "odd", "auto_map": {"AutoConfig": "odd.Odd", "AutoModelForObjectDetection": "odd.Model"}}'
    )
    (folder / "odd.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError):
        detector(folder)
    assert not (tmp_path / "ran").exists()
