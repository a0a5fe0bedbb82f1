from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.description import Confirmed, evidence, family, find_sights, sights_of, what_is_shown
from pipeline.analysis.description.things import _things, thing_of_label, thing_of_object
from pipeline.analysis.vision.imagenet import imagenet_labels
from schemas.records import DetectedObject, Keyframe, Label
from tests.nightly import examples
from tests.pipeline.analysis.scenes.videos import keyframe, seen

BOX = (0.3, 0.1, 0.7, 0.9)
LABELS = ("mountain bike", "tandem bicycle", "espresso", "suit", "prison", "unicycle", "tabby cat", "albatross")
OBJECTS = ("bicycle", "cup", "car", "person", "cat", "bird", "bear")


def frame(shot: int, *labels: tuple[str, float], objects: tuple[tuple[str, float], ...] = ()) -> Keyframe:
    found = tuple(DetectedObject(name, score, BOX) for name, score in objects)
    return replace(seen(keyframe(shot, 2.0 * shot, shot, 0), *labels), objects=found)


def names(frames: list[Keyframe]) -> list[str]:
    return [sight.thing.name for sight in find_sights(frames)]


def test_labels_that_come_again_beat_one_sure_label() -> None:
    frames = [
        frame(0, ("electrical switch", 0.85)),
        frame(1, ("limousine", 0.26)),
        frame(2, ("gas pump", 0.35), ("tricycle", 0.16), ("unicycle", 0.09)),
        frame(3, ("turnstile", 0.11), ("tandem bicycle", 0.1), ("mountain bike", 0.06)),
        frame(4, ("rickshaw", 0.25)),
        frame(5, ("mountain bike", 0.78), ("unicycle", 0.1)),
    ]
    (sight,) = find_sights(frames)
    assert sight.thing.name == "bicycles"
    assert sight.shots == 3
    assert sight.several
    assert sight.frames[0] is frames[5]


def test_labels_of_one_frame_need_an_object_that_agrees() -> None:
    labels = (("bow tie", 0.5), ("Windsor tie", 0.28), ("suit", 0.15))
    assert names([frame(0, *labels)]) == []
    assert names([frame(0, *labels, objects=(("tie", 0.69),))]) == ["suits and ties"]


def test_labels_that_agree_in_several_frames_of_a_shot_are_believed() -> None:
    bars = (("parallel bars", 0.3), ("balance beam", 0.2))
    assert names([frame(0, *bars), frame(0, *bars)]) == ["in a gym"]
    assert names([frame(0, *bars), frame(0)]) == []
    assert names([frame(0, ("unicycle", 0.8)), frame(0, ("unicycle", 0.3)), frame(0)]) == []


def test_what_only_the_detector_sees_in_one_shot_is_not_believed() -> None:
    """It calls a globe a cup in every frame."""
    assert names([frame(0, ("Petri dish", 0.28), objects=(("cup", 0.89),)) for _ in range(4)]) == []
    assert names([frame(shot, objects=(("cup", 0.89),)) for shot in range(2)]) == ["cups"]


def test_people_need_no_label() -> None:
    assert names([frame(0, objects=(("person", 0.57),))]) == ["people"]
    assert names([frame(0, objects=(("person", 0.5),))]) == []
    assert names([frame(0, objects=(("person", 0.5),)) for _ in range(2)]) == ["people"]


def test_where_the_models_agree_on_the_kind_alone_the_kind_is_stated() -> None:
    rabbit = [
        frame(0, ("llama", 0.08), objects=(("sheep", 0.5), ("bear", 0.42))),
        frame(0, ("peafowl", 0.13), ("albatross", 0.09), ("king penguin", 0.1), objects=(("cat", 0.72),)),
        frame(0, ("albatross", 0.21), ("peafowl", 0.13), objects=(("bird", 0.76),)),
    ]
    assert names(rabbit) == ["animals"]
    assert what_is_shown(find_sights(rabbit), rabbit) == "An animal"


def test_labels_of_many_animals_are_no_animal() -> None:
    """A photograph of a retina has labels of a jellyfish, a sea slug and a flatworm, and no objects."""
    retina = [frame(shot, ("jellyfish", 0.3), ("sea slug", 0.2), ("flatworm", 0.1)) for shot in (0, 0)]
    assert names(retina) == []


def test_a_label_that_shows_up_here_and_there_in_a_long_video_is_not_believed() -> None:
    frames = [frame(n, ("prison", 0.6)) if n % 12 == 0 else frame(n) for n in range(120)]
    assert find_sights(frames) == []


def test_pages_of_text_show_no_website() -> None:
    assert find_sights([frame(n, ("website", 0.7), ("envelope", 0.2)) for n in range(8)]) == []


def test_a_frame_shows_what_the_whole_video_confirms() -> None:
    weak = frame(3, ("tandem bicycle", 0.2))
    frames = [frame(0, ("mountain bike", 0.8)), frame(1, ("unicycle", 0.5)), weak]
    (sight,) = sights_of([weak], Confirmed.of(find_sights(frames)))
    assert (sight.thing.name, sight.shots, sight.several, sight.frames) == ("bicycles", 1, False, (weak,))
    assert sights_of([weak], Confirmed.of([])) == []


def test_the_list_of_things_names_labels_that_the_models_have() -> None:
    known = set(imagenet_labels())
    listed = {label for label in _things() if not label.startswith("@")}
    assert listed <= known
    assert len(listed) > 600
    assert sum(label.startswith("@") for label in _things()) == 80
    assert thing_of_label("tabby cat") == thing_of_label("Egyptian Mau") == thing_of_object("cat")
    assert (family("abacus"), family("tabby cat"), family("stove")) == ("abacus", "cats", "a kitchen")


FRAMES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.dictionaries(st.sampled_from(LABELS), st.floats(0.05, 0.9), max_size=3),
        st.dictionaries(st.sampled_from(OBJECTS), st.floats(0.3, 0.99), max_size=3),
    ),
    min_size=1,
    max_size=6,
)


def made(drawn: list[tuple[int, dict[str, float], dict[str, float]]]) -> list[Keyframe]:
    ordered = sorted(drawn, key=lambda each: each[0])
    return [frame(shot, *labels.items(), objects=tuple(objects.items())) for shot, labels, objects in ordered]


@settings(max_examples=examples(50), deadline=None)
@given(FRAMES)
def test_one_model_in_one_shot_is_never_enough_but_for_people(
    drawn: list[tuple[int, dict[str, float], dict[str, float]]],
) -> None:
    frames = made(drawn)
    for sight in find_sights(frames):
        assert sight.frames
        assert 0 < sight.confidence <= 1
        if sight.thing.name == "people":
            continue
        labels = {
            (each.shot_index, index)
            for index, each in enumerate(frames)
            for label in each.labels
            if sight.thing.name in {thing_of_label(label.label).name, thing_of_label(label.label).kind}
        }
        objects = {
            each.shot_index
            for each in frames
            for found in each.objects
            if sight.thing.name in {thing_of_object(found.label).name, thing_of_object(found.label).kind}
        }
        assert (labels and objects) or len(labels) > 1 or len(objects) > 1


@settings(max_examples=examples(50), deadline=None)
@given(FRAMES)
def test_more_evidence_never_takes_a_person_away(
    drawn: list[tuple[int, dict[str, float], dict[str, float]]],
) -> None:
    frames = made(drawn)
    more = [*frames, frame(4, objects=(("person", 0.9),))]
    assert "people" in names(more)
    assert {"people"} & set(names(frames)) <= set(names(more))


@pytest.mark.parametrize("score", [0.1, 0.99])
def test_labels_of_other_models_are_things_of_their_own(score: float) -> None:
    frames = [replace(frame(n), labels=(Label("zeppelin", score),)) for n in range(3)]
    assert names(frames) == (["zeppelins"] if score > 0.5 else [])


def test_the_work_for_a_video_grows_with_what_is_seen_not_with_things_times_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = 0

    def counted(glimpse: object, *least: float, shows=evidence._shows) -> bool:
        nonlocal looked_at
        looked_at += 1
        return bool(shows(glimpse, *least))

    monkeypatch.setattr(evidence, "_shows", counted)
    monkeypatch.setattr(evidence, "_agreed", lambda *_, **__: True)  # all of them are certain
    frames = [frame(n, (f"thing number {n}", 0.9)) for n in range(200)]
    confirmed = Confirmed.of(find_sights(frames))
    assert len(confirmed.things) == 200
    for each in frames:
        sights_of([each], confirmed)
    assert looked_at < 5 * len(frames)
