from pipeline.analysis.scenes.object_labels import family, find_object_labels
from pipeline.analysis.vision.efficientnet import imagenet_labels
from schemas.records import Keyframe
from tests.pipeline.analysis.scenes.videos import keyframe, seen


def frame(shot: int, *labels: tuple[str, float]) -> Keyframe:
    return seen(keyframe(shot, 2.0 * shot, shot, 0), *labels)


def test_a_family_of_labels_that_comes_again_beats_one_sure_label() -> None:
    frames = [
        frame(0, ("electrical switch", 0.85)),
        frame(1, ("limousine", 0.26)),
        frame(2, ("gas pump", 0.35), ("tricycle", 0.16), ("unicycle", 0.09)),
        frame(3, ("turnstile", 0.11), ("tandem bicycle", 0.1), ("mountain bike", 0.06)),
        frame(4, ("rickshaw", 0.25)),
        frame(5, ("mountain bike", 0.78), ("unicycle", 0.1)),
    ]
    found = find_object_labels(frames)
    assert [label.name for label in found] == ["bicycles"]
    assert found[0].recurs
    assert found[0].shots == 3
    assert found[0].frames[0] is frames[5]


def test_labels_of_a_family_that_agree_in_one_frame_are_believed() -> None:
    assert [
        each.name for each in find_object_labels([frame(0, ("bow tie", 0.5), ("Windsor tie", 0.28), ("suit", 0.15))])
    ] == ["suits and ties"]
    assert find_object_labels([frame(0, ("unicycle", 0.27), ("rickshaw", 0.12))]) == []


def test_a_label_that_shows_up_here_and_there_in_a_long_video_is_not_believed() -> None:
    frames = [frame(n, ("prison", 0.6)) if n % 12 == 0 else frame(n) for n in range(120)]
    assert find_object_labels(frames) == []


def test_pictures_of_text_show_no_website() -> None:
    assert find_object_labels([frame(n, ("website", 0.7), ("envelope", 0.2)) for n in range(8)]) == []


def test_the_families_name_labels_that_the_model_has() -> None:
    labels = set(imagenet_labels())
    assert family("tabby cat") == family("Egyptian Mau") == "cats"
    assert family("abacus") == "abacus"
    named = [label for label in labels if family(label) != label]
    assert len(named) > 600
