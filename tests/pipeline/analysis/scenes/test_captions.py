from dataclasses import replace

import numpy as np
import pytest

from pipeline.analysis.scenes import caption_keyframes, compose_caption
from pipeline.analysis.scenes.captions import caption_scene
from schemas.records import Keyframe, Label, TextLine
from tests.pipeline.analysis.scenes.videos import VISION, direction, keyframe, utterance

COFFEE = (Label("espresso", 0.6),)


def by_model(frame: Keyframe, caption: str) -> Keyframe:
    return replace(frame, caption=caption, caption_source="model:blip")


def test_a_composed_caption_says_what_is_seen_written_and_said() -> None:
    line = TextLine("Six o'clock", (0.1, 0.1, 0.9, 0.2), 0.95)
    assert compose_caption(COFFEE, [line], "The morning begins.") == (
        "Probably an espresso, with the text “Six o'clock”, while someone says “The morning begins”."
    )
    assert compose_caption([], [], "The morning begins.") == (
        "A picture in which nothing was recognised, while someone says “The morning begins”."
    )
    assert compose_caption(COFFEE, [], "  ") == "Probably an espresso."


def test_a_slide_is_described_by_its_words_rather_than_as_a_website() -> None:
    slide = (Label("website", 0.65), Label("envelope", 0.14), Label("wall clock", 0.13))
    title = TextLine("The Blue Planet", (0.1, 0.1, 0.9, 0.2), 0.95)
    assert compose_caption(slide[:2], [title]) == "A picture with the text “The Blue Planet”."
    assert compose_caption(slide, [title]) == "Possibly a wall clock, with the text “The Blue Planet”."
    assert compose_caption(slide[:2], []) == "Probably a website."


@pytest.mark.parametrize(
    "named",
    [
        "a unicycle",
        "an umbrella",
        "a European polecat",
        "an hourglass",
        "an oboe",
        "a hook",
        "a one-piece bathing suit",
    ],
)
def test_articles_go_by_the_sound(named: str) -> None:
    assert compose_caption([Label(named.partition(" ")[2], 0.6)], []) == f"Probably {named}."


def test_keyframes_quote_only_what_is_said_surely_while_they_are_shown() -> None:
    frames = [keyframe(index, time_s, 0, 0, label="espresso") for index, time_s in enumerate((1.0, 3.0, 5.0, 7.0))]
    spoken = [
        utterance(0, 2.5, 4.0, "Coffee is ready.", 0),
        utterance(1, 4.5, 6.0, "Thanks for watching!", 0, flags=("low_logprob",)),
    ]
    # What a caption quoted before is forgotten.
    before = [replace(frame, caption="Shows espresso, while someone says “Tea”.") for frame in frames]
    captions = [frame.caption for frame in caption_keyframes(before, spoken)]
    assert captions == [
        "Probably an espresso.",
        "Probably an espresso, while someone says “Coffee is ready”.",
        "Probably an espresso.",
        "Probably an espresso.",
    ]


def test_long_speech_is_cut_in_a_caption() -> None:
    caption = compose_caption(COFFEE, [], "word " * 100)
    assert len(caption) < 150
    assert caption.endswith("…”.")


def test_captions_of_a_model_stay_as_they_are() -> None:
    frame = by_model(keyframe(0, 1.0, 0, 0), "A cup of coffee.")
    assert caption_keyframes([frame], [utterance(0, 0.0, 2.0, "Coffee is ready.", 0)]) == (frame,)


def test_a_scene_has_the_models_caption_of_its_most_typical_frame() -> None:
    frames = [
        by_model(keyframe(0, 1.0, 0, 3), "A clock."),
        by_model(keyframe(1, 2.0, 0, 0), "A cup of coffee."),
        keyframe(2, 3.0, 0, 0, label="espresso"),
    ]
    assert caption_scene(frames, COFFEE, direction(0, VISION), "Hello.", has_images=True) == "A cup of coffee."
    assert caption_scene(frames[2:], COFFEE, direction(0, VISION), "", has_images=True) == "Probably an espresso."


def test_a_scene_without_keyframes_is_not_called_sound_alone() -> None:
    nothing = np.zeros(VISION, np.float32)
    assert caption_scene([], (), nothing, "", has_images=True) == "A picture in which nothing was recognised."
    assert caption_scene([], (), nothing, "", has_images=False) == "Sound without pictures."
    assert caption_scene([], (), nothing, "Good evening.", has_images=False) == (
        "Sound without pictures: someone says “Good evening”."
    )
