from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.description import Confirmed, caption_keyframes, caption_scene, compose_caption, find_sights
from pipeline.analysis.keyframes.images import thumbnail
from schemas.records import DetectedObject, Keyframe, Label, TextLine
from tests.nightly import examples
from tests.pipeline.analysis.scenes.videos import VISION, direction, keyframe, seen, utterance

PLAIN = thumbnail(np.full((180, 320, 3), (23, 43, 67), np.uint8), 320, 80)
PHOTO = thumbnail(np.random.default_rng(1).integers(0, 255, (180, 320, 3), np.uint8), 320, 80)
CUP = DetectedObject("cup", 0.8, (0.2, 0.2, 0.8, 0.9))
UNCONFIRMED = Confirmed.of([])


def by_model(frame: Keyframe, caption: str) -> Keyframe:
    return replace(frame, caption=caption, caption_source="model:blip")


def coffee(index: int = 0) -> Keyframe:
    frame = seen(keyframe(index, 1.0 + 2 * index, 0, 0), ("espresso", 0.6))
    return replace(frame, objects=(CUP,), thumbnail=PHOTO)


def slide(*texts: str, index: int = 0) -> Keyframe:
    lines = tuple(TextLine(text, (0.1, 0.1 + 0.12 * n, 0.8, 0.2 + 0.12 * n), 0.95) for n, text in enumerate(texts))
    return replace(keyframe(index, 1.0 + 2 * index, index, 0), thumbnail=PLAIN, text_lines=lines)


def caption(frame: Keyframe, speech: str = "") -> str:
    return compose_caption([frame], find_sights([frame]), speech)


def test_a_composed_caption_says_what_is_seen_written_and_said() -> None:
    signed = replace(coffee(), text_lines=(TextLine("Six o'clock", (0.1, 0.1, 0.9, 0.2), 0.95),))
    assert caption(signed, "The morning begins.") == "A cup. On screen: “Six o'clock”. Heard: “The morning begins”."
    assert caption(coffee(), "  ") == "A cup."
    assert caption(keyframe(0, 1.0, 0, 0), "The morning begins.") == "Heard: “The morning begins”."
    assert caption(keyframe(0, 1.0, 0, 0)) == "Nothing was recognised."


def test_a_slide_is_captioned_with_its_title() -> None:
    page = replace(slide("The Blue Planet"), labels=(Label("website", 0.65), Label("wall clock", 0.13)))
    assert caption(page, "Good morning.") == "Slide: The Blue Planet"
    wrapped = slide("Large-scale datasets for", "training models of images")
    assert caption(wrapped) == "Slide: Large-scale datasets for training models of images"
    assert compose_caption([page, coffee(1), page], []) == "Slide: The Blue Planet"
    assert compose_caption([page, coffee(1), coffee(2)], []).startswith("On screen: “The Blue Planet”")


def test_a_line_on_a_photograph_or_at_the_bottom_makes_no_slide() -> None:
    line = TextLine("The harbour", (0.1, 0.1, 0.5, 0.2), 0.95)
    assert caption(replace(coffee(), text_lines=(line,))) == "A cup. On screen: “The harbour”."
    low = replace(slide(), text_lines=(replace(line, box=(0.1, 0.85, 0.5, 0.95)),))
    assert caption(low) == "On screen: “The harbour”."


def test_a_screen_whose_largest_line_is_no_title_is_captioned_with_its_first_words() -> None:
    screen = slide("$ git clone https://example.org/tides.git", "24 passed in 3 seconds")
    assert caption(screen) == "On screen: “24 passed in 3 seconds”."
    assert caption(slide("https://example.org", "[100%]")) == "Nothing was recognised."


def test_headers_that_stay_are_no_title() -> None:
    header = TextLine("Annual Conference on Oceans", (0.05, 0.02, 0.6, 0.1), 0.98)
    slides = [slide(text, index=n) for n, text in enumerate(("Why it matters", "How it works", "What is next"))]
    slides = [
        replace(each, text_lines=(header, *(replace(line, box=(0.1, 0.2, 0.6, 0.27)) for line in each.text_lines)))
        for each in slides
    ]
    assert [each.caption for each in caption_keyframes(slides, [])] == [
        "Slide: Why it matters", "Slide: How it works", "Slide: What is next",
    ]  # fmt: skip


def test_one_sure_label_is_called_possible_and_a_weak_one_is_not_said() -> None:
    assert caption(keyframe(0, 1.0, 0, 0, label="electrical switch", score=0.85)) == "Possibly an electrical switch."
    assert caption(keyframe(0, 1.0, 0, 0, label="gas pump", score=0.37)) == "Nothing was recognised."
    assert caption(keyframe(0, 1.0, 0, 0, label="website", score=0.9)) == "Nothing was recognised."


def test_what_other_frames_confirm_is_stated() -> None:
    frames = [keyframe(n, 2.0 * n, n, 0, label="mountain bike", score=score) for n, score in enumerate((0.8, 0.5, 0.2))]
    assert [frame.caption for frame in caption_keyframes(frames, [])] == ["A bicycle."] * 3


def test_keyframes_quote_only_what_is_said_surely_while_they_are_shown() -> None:
    spoken = [
        utterance(0, 2.5, 4.0, "Coffee is ready.", 0),
        utterance(1, 4.5, 6.0, "Thanks for watching!", 0, flags=("low_logprob",)),
    ]
    # What a caption said before is forgotten.
    before = [replace(coffee(index), caption="A tea pot. Heard: “Tea”.") for index in range(4)]
    captions = [frame.caption for frame in caption_keyframes(before, spoken)]
    assert captions == ["A cup.", "A cup. Heard: “Coffee is ready”.", "A cup.", "A cup."]


def test_long_speech_is_cut_in_a_caption() -> None:
    long = caption(coffee(), "word " * 100)
    assert len(long) < 150
    assert long.endswith("…”.")


def test_captions_of_a_model_stay_as_they_are() -> None:
    frame = by_model(keyframe(0, 1.0, 0, 0), "A cup of coffee.")
    assert caption_keyframes([frame], [utterance(0, 0.0, 2.0, "Coffee is ready.", 0)]) == (frame,)


def test_a_scene_has_the_models_caption_of_its_most_typical_frame() -> None:
    frames = [
        by_model(keyframe(0, 1.0, 0, 3), "A clock."),
        by_model(keyframe(1, 2.0, 0, 0), "A cup of coffee."),
        coffee(2),
    ]
    assert caption_scene(frames, UNCONFIRMED, direction(0, VISION), "Hello.", has_images=True) == "A cup of coffee."
    assert caption_scene(frames[2:], UNCONFIRMED, direction(0, VISION), "", has_images=True) == "A cup."


def test_a_scene_without_keyframes_is_not_called_audio_only() -> None:
    nothing = np.zeros(VISION, np.float32)
    assert caption_scene([], UNCONFIRMED, nothing, "", has_images=True) == "Nothing was recognised."
    assert caption_scene([], UNCONFIRMED, nothing, "", has_images=False) == "Audio only."
    assert (
        caption_scene([], UNCONFIRMED, nothing, "Good evening.", has_images=False)
        == "Audio only. Heard: “Good evening”."
    )


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(st.text(max_size=160), max_size=3),
    st.text(max_size=200),
    st.sampled_from([PLAIN, PHOTO, b""]),
    st.floats(0.1, 1.0),
)
def test_captions_are_short_and_never_empty(texts: list[str], speech: str, look: bytes, score: float) -> None:
    lines = tuple(TextLine(text, (0.1, 0.1 + 0.1 * n, 0.9, 0.18 + 0.1 * n), score) for n, text in enumerate(texts))
    text = caption(replace(keyframe(0, 1.0, 0, 0, label="gas pump"), thumbnail=look, text_lines=lines), speech)
    assert text.strip()
    assert len(text) <= 260
    assert "\n" not in text
    assert "picture" not in text
