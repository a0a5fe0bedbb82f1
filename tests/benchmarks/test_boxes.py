import pytest

from benchmarks.material.labelled import labelled_images
from benchmarks.measures.boxes import compare, iou
from pipeline.analysis.objects.ssd_mobilenet import coco_labels

LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)


def test_an_object_is_found_once_by_the_best_box_with_its_label() -> None:
    found = [("cat", 0.6, LEFT), ("cat", 0.9, (0.0, 0.0, 0.45, 1.0)), ("dog", 0.8, LEFT), ("cat", 0.7, RIGHT)]
    results = compare(found, [("cat", LEFT)], [])
    assert [(each.score, each.right) for each in results] == [(0.9, True), (0.8, False), (0.7, False), (0.6, False)]


def test_what_lies_where_nobody_could_label_counts_neither_for_nor_against() -> None:
    results = compare([("car", 0.9, RIGHT), ("cat", 0.8, LEFT)], [("cat", LEFT)], [(0.0, 0.0, 1.0, 1.0)])
    assert [each.right for each in results] == [None, True]


def test_overlap_is_intersection_over_union() -> None:
    assert iou(LEFT, LEFT) == 1.0
    assert iou(LEFT, RIGHT) == 0.0
    assert iou(LEFT, (0.0, 0.0, 1.0, 1.0)) == pytest.approx(0.5)


@pytest.mark.slow
def test_the_labelled_images_have_at_least_200_boxes_of_known_classes_within_them() -> None:
    images = list(labelled_images())
    boxes = [box for each in images for _, box in each.objects]
    assert len(boxes) >= 200
    assert {label for each in images for label, _ in each.objects} <= set(coco_labels())
    for x0, y0, x1, y1 in [*boxes, *(box for each in images for box in each.unsure)]:
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
    assert len({each.name for each in images}) == len(images)
