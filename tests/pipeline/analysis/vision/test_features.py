import numpy as np
import pytest

from pipeline.analysis.vision.features import top_labels, unit_length
from pipeline.analysis.vision.imagenet import imagenet_labels


def test_labels_come_most_probable_first_without_those_under_the_threshold():
    labels = top_labels(np.float32([0.1, 0.6, 0.02, 0.28]), ("a", "b", "c", "d"), 5, 0.05)
    assert [label.label for label in labels] == ["b", "d", "a"]
    assert labels[0].score == pytest.approx(0.6)
    assert len(top_labels(np.float32([0.1, 0.6, 0.02, 0.28]), ("a", "b", "c", "d"), 1, 0.05)) == 1


def test_classes_of_one_name_are_one_label_with_the_sum_of_their_probabilities():
    labels = top_labels(np.float32([0.3, 0.4, 0.3]), ("sunglasses", "hat", "sunglasses"), 2, 0.05)
    assert [(label.label, round(label.score, 4)) for label in labels] == [("sunglasses", 0.6), ("hat", 0.4)]


def test_zero_vectors_stay_zero_when_scaled_to_unit_length():
    assert unit_length(np.float32([[3, 4], [0, 0]])).tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]


def test_there_is_one_readable_name_for_each_of_the_thousand_classes():
    names = imagenet_labels()
    assert len(names) == 1000
    assert all(name == name.strip() and name for name in names)
    assert (names[0], names[207], names[388], names[999]) == (
        "tench",
        "Golden Retriever",
        "giant panda",
        "toilet paper",
    )
