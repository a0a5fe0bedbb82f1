"""What frames show, in words."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.description import describe_test_pattern, find_sights, footage, how_it_looks, what_is_shown
from pipeline.analysis.description.look import look_of
from pipeline.analysis.description.people import persons, shot_size
from pipeline.analysis.description.phrases import counted, listed
from pipeline.analysis.description.things import plural, with_article
from pipeline.analysis.keyframes.images import thumbnail
from schemas.records import DetectedObject, Keyframe, TextLine
from tests.nightly import examples
from tests.pipeline.analysis.scenes.videos import keyframe, seen

CLOSE = (0.1, 0.08, 1.0, 1.0)
LEFT, RIGHT = (0.15, 0.2, 0.3, 0.95), (0.5, 0.1, 0.65, 0.9)
FAR = (0.72, 0.86, 0.76, 1.0)


def with_objects(frame: Keyframe, *objects: tuple[str, float, tuple[float, float, float, float]]) -> Keyframe:
    return replace(frame, objects=tuple(DetectedObject(*each) for each in objects))


def described(*frames: Keyframe) -> str:
    return what_is_shown(find_sights(frames), frames)


def looking_like(image: np.ndarray, index: int = 0) -> Keyframe:
    return replace(keyframe(index, float(index), index, 0), thumbnail=thumbnail(image, 320, 80))


def person(*boxes: tuple[float, float, float, float], shot: int = 0) -> Keyframe:
    return with_objects(keyframe(shot, float(shot), shot, 0), *(("person", 0.9, box) for box in boxes))


def test_people_are_counted_and_close_ups_called_so() -> None:
    square = replace(person(CLOSE), width=176, height=144)
    assert described(square) == "Close-up of a person"
    tie = replace(square, objects=(*square.objects, DetectedObject("tie", 0.7, (0.4, 0.7, 0.6, 0.9))))
    tie = seen(tie, ("bow tie", 0.5), ("Windsor tie", 0.3))
    assert described(tie) == "Close-up of a person in a suit and tie"
    assert described(person(LEFT), person(LEFT, RIGHT), person(LEFT)) == "Two people"
    assert described(person(LEFT), person(RIGHT, shot=1), person(LEFT, shot=2)) == "People, mostly alone"
    assert described(person(*[(x / 10, 0.3, x / 10 + 0.08, 0.8) for x in range(9)])) == "A crowd"
    assert described(person(LEFT, RIGHT, (0.8, 0.2, 0.95, 0.9), (0.02, 0.2, 0.12, 0.9))) == "Several people"


def test_people_far_away_are_named_last() -> None:
    plane = with_objects(seen(keyframe(0, 0.0, 0, 0), ("airliner", 0.7)), ("airplane", 0.95, (0.2, 0.3, 0.5, 0.5)))
    assert described(plane, person(FAR), person(FAR)) == "An airplane and a person in the distance"


def test_a_part_of_a_person_and_people_in_the_background_do_not_count() -> None:
    frame = person(LEFT, (0.18, 0.25, 0.28, 0.6), (0.8, 0.4, 0.84, 0.5))
    assert len(persons(frame)) == 1
    assert shot_size(person(FAR)) == "distant"
    assert shot_size(person(LEFT)) == "full"
    assert shot_size(keyframe(0, 0.0, 0, 0)) is None


def test_places_follow_and_things_are_listed() -> None:
    gym = [seen(person(LEFT), ("parallel bars", 0.4), ("balance beam", 0.3)) for _ in range(2)]
    assert described(*gym) == "A person in a gym"
    assert described(*(replace(frame, objects=()) for frame in gym)) == "A scene in a gym"
    street = with_objects(
        seen(keyframe(0, 0.0, 0, 0), ("taxicab", 0.5), ("mountain bike", 0.3)),
        ("car", 0.8, LEFT), ("car", 0.7, RIGHT), ("bicycle", 0.7, FAR), ("person", 0.7, FAR),
    )  # fmt: skip
    assert described(street) == "Cars, a bicycle and a person in the distance"


def test_nothing_certain_says_nothing() -> None:
    assert described(keyframe(0, 0.0, 0, 0, label="electrical switch", score=0.85)) == ""
    assert what_is_shown([], []) == ""


def test_black_and_white_is_told_from_colour() -> None:
    grey = np.random.default_rng(0).integers(0, 255, (180, 320, 1), np.uint8).repeat(3, axis=2)
    coloured = np.zeros((180, 320, 3), np.uint8) + np.array((200, 80, 40), np.uint8)
    assert how_it_looks([looking_like(grey)]) == ", in black and white"
    assert how_it_looks([looking_like(coloured), looking_like(grey, 1)]) == ""
    assert how_it_looks([keyframe(0, 0.0, 0, 0)]) == ""


def test_footage_of_the_unknown_is_described_by_how_it_looks() -> None:
    black, dark = np.zeros((180, 320, 3), np.uint8), np.zeros((180, 320, 3), np.uint8)
    dark[60:120, 100:200] = (120, 60, 40)
    assert footage([looking_like(black)], 1, 5.0) == "Black frames (one shot, 5 s)"
    assert footage([looking_like(dark), looking_like(black, 1)], 2, 65.0) == "Dark footage (2 shots, 1:05 min)"
    assert footage([keyframe(0, 0.0, 0, 0)], 1, 5.0) == "Footage (one shot, 5 s)"
    lines = tuple(TextLine(f"line {n}", (0.1, 0.1 * n, 0.4, 0.1 * n + 0.05), 0.99) for n in range(3))
    assert footage([replace(looking_like(dark), text_lines=lines)], 1, 5.0) == "Screens of text (one shot, 5 s)"


def test_colour_bars_are_a_test_pattern() -> None:
    bars = np.zeros((180, 320, 3), np.uint8)
    colours = ((190, 190, 190), (190, 190, 0), (0, 190, 190), (0, 190, 0), (190, 0, 190), (190, 0, 0), (0, 0, 190))
    for number, colour in enumerate(colours):
        bars[:120, number * 46 : (number + 1) * 46] = colour
    frame = looking_like(bars)
    assert describe_test_pattern([frame]) == "Colour bars"
    coded = replace(frame, text_lines=(TextLine("00:00:02;00", (0.5, 0.8, 0.8, 0.9), 0.99),))
    assert describe_test_pattern([coded, coded]) == "Colour bars with a time code"
    stripes = np.zeros((180, 320, 3), np.uint8)
    stripes[:, ::2] = 255
    assert describe_test_pattern([looking_like(stripes)]) == ""
    assert describe_test_pattern([]) == ""


@pytest.mark.parametrize("data", [b"", b"no JPEG"])
def test_a_thumbnail_that_cannot_be_read_has_no_look(data: bytes) -> None:
    assert look_of(replace(keyframe(0, 0.0, 0, 0), thumbnail=data)) is None


def test_counts_lists_articles_and_plurals() -> None:
    assert (counted(1, "shot", "shots"), counted(3, "shot", "shots")) == ("one shot", "3 shots")
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    for noun in ("a unicycle", "an umbrella", "a European polecat", "an hourglass", "an oboe", "a hook",
                 "a one-piece bathing suit"):  # fmt: skip
        assert with_article(noun.partition(" ")[2]) == noun
    assert with_article("sunglasses") == "sunglasses"
    assert [plural(noun) for noun in ("bench", "puppy", "toy", "switch", "jeans", "dress")] == [
        "benches", "puppies", "toys", "switches", "jeans", "dresses",
    ]  # fmt: skip


BOXES = st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.51, 1), st.floats(0.51, 1))
OBJECTS = st.lists(
    st.tuples(st.sampled_from(("person", "car", "bicycle", "tie", "cat", "oven", "cup")), st.floats(0.3, 1), BOXES),
    max_size=5,
)
LABELS = st.dictionaries(
    st.sampled_from(("taxicab", "mountain bike", "suit", "tabby cat", "stove", "parallel bars", "hook", "jeans")),
    st.floats(0.05, 0.9),
    max_size=3,
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), LABELS, OBJECTS), min_size=1, max_size=5))
def test_descriptions_are_grammatical_whatever_is_seen(
    drawn: list[tuple[int, dict[str, float], list[tuple[str, float, tuple[float, float, float, float]]]]],
) -> None:
    frames = [
        with_objects(seen(keyframe(n, float(n), shot, 0), *labels.items()), *objects)
        for n, (shot, labels, objects) in enumerate(sorted(drawn, key=lambda each: each[0]))
    ]
    text = described(*frames)
    assert len(text) <= 120
    assert "  " not in text
    assert text[:1] == text[:1].upper()
    words = text.split()
    for article, noun in pairwise(words):
        if article.lower() in {"a", "an"}:
            assert (article.lower() == "an") == (noun[0] in "aeiou")
    assert "Possibly" not in text
    assert bool(text) == any(True for _ in find_sights(frames))
