"""The title of a video, among headers, logos, lower thirds and the titles of other slides."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.description import best_reading, is_title, screen_title, video_title, without_running_lines
from pipeline.analysis.keyframes.images import thumbnail
from schemas.records import Keyframe, TextLine
from tests.nightly import examples
from tests.pipeline.analysis.scenes.videos import keyframe, utterance

PLAIN = thumbnail(np.full((180, 320, 3), (250, 250, 250), np.uint8), 320, 80)
PHOTO = thumbnail(np.random.default_rng(1).integers(0, 255, (180, 320, 3), np.uint8), 320, 80)
Placed = tuple[str, float, float, float]
"""Text, left edge, top, height."""


def frame(index: int, time_s: float, *placed: Placed, look: bytes = PLAIN, score: float = 0.97) -> Keyframe:
    lines = tuple(
        TextLine(text, (left, top, min(1.0, left + 0.35 * height * len(text)), top + height), score)
        for text, left, top, height in placed
    )
    return replace(keyframe(index, time_s, index, 0), text_lines=lines, thumbnail=look)


def talk(*title: Placed, at: int = 0, every_slide: Sequence[Placed] = (), slides: int = 4) -> list[Keyframe]:
    """Return a talk with a slide every ten seconds."""
    headings = ("Why it matters", "What we did", "How it went", "What is next", "Where to read more")
    pages: list[tuple[Placed, ...]] = [
        ((headings[n], 0.07, 0.12, 0.08), ("• A first point", 0.1, 0.35, 0.05), ("• Another point", 0.1, 0.5, 0.05))
        for n in range(slides)
    ]
    if title:
        pages.insert(at, title)
    return [frame(n, 10.0 * n + 2, *page, *every_slide) for n, page in enumerate(pages)]


def title_of(frames: list[Keyframe], *said: str) -> str:
    spoken = [utterance(n, 5.0 * n, 5.0 * n + 4, text, 0) for n, text in enumerate(said)]
    return video_title(frames, spoken, 10.0 * len(frames))


TITLE: Placed = ("Bees in the City", 0.2, 0.4, 0.12)


def test_the_title_slide_names_the_video_wherever_it_is() -> None:
    assert title_of(talk(TITLE)) == "Bees in the City"
    assert title_of(talk(TITLE, at=2)) == "Bees in the City"


def test_a_title_over_two_lines_is_joined() -> None:
    wrapped = (("Reading Old Maps with", 0.1, 0.3, 0.1), ("Small Neural Networks", 0.1, 0.43, 0.1))
    assert title_of(talk(*wrapped, ("The Map Laboratory", 0.1, 0.7, 0.05))) == (
        "Reading Old Maps with Small Neural Networks"
    )
    assert screen_title(frame(0, 1.0, ("人工智能", 0.1, 0.3, 0.1), ("改变世界", 0.1, 0.43, 0.1))) == "人工智能改变世界"


def test_items_of_a_list_and_smaller_lines_are_not_joined() -> None:
    assert screen_title(frame(0, 1.0, ("Agenda of today", 0.1, 0.1, 0.08), ("- Bees", 0.1, 0.2, 0.08))) == (
        "Agenda of today"
    )
    assert screen_title(frame(0, 1.0, ("Bees", 0.1, 0.1, 0.1), ("They live in the city", 0.1, 0.22, 0.05))) == "Bees"
    apart = frame(0, 1.0, ("Bees in town", 0.1, 0.1, 0.1), ("Much further down", 0.1, 0.4, 0.1))
    assert screen_title(apart) == "Bees in town"
    page = [(f"This is line number {n} of a page", 0.1, 0.05 + 0.09 * n, 0.08) for n in range(6)]
    assert screen_title(frame(0, 1.0, *page)) == "This is line number 0 of a page"


def lines_of(*placed: tuple[str, float, float, float, float]) -> Keyframe:
    """Return a slide with lines in boxes as OCR draws them, with margins above and below."""
    lines = tuple(TextLine(text, (x0, y0, x1, y1), 0.99) for text, x0, y0, x1, y1 in placed)
    return replace(frame(0, 1.0), text_lines=lines)


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        # As OCR read them from slides with a title of 34 points above lines of 23 points.
        ([("Die Zukunft der Bahn", 0.062, 0.119, 0.705, 0.214),
          ("Dr. Jürgen Müller, Universität Göttingen", 0.059, 0.269, 0.773, 0.364)], "Die Zukunft der Bahn"),
        ([("Vaccines in the Kivu provinces", 0.055, 0.111, 0.981, 0.222),
          ("Dr Oyelaran Adeyemi", 0.058, 0.264, 0.452, 0.35),
          ("Field notes, 12 March 2019", 0.058, 0.383, 0.552, 0.461)], "Vaccines in the Kivu provinces"),
        ([("KING JOHN II OF PORTUGAL", 0.058, 0.117, 0.884, 0.219), ("QUEEN ISABELLA", 0.058, 0.269, 0.377, 0.344)],
         "KING JOHN II OF PORTUGAL"),
        # Lines of one size stay together, be their letters wide or narrow; a byline ends the title.
        ([("MUMMY MAMMOTHS", 0.1, 0.3, 0.72, 0.4), ("little filling fillets", 0.1, 0.43, 0.616, 0.53)],
         "MUMMY MAMMOTHS little filling fillets"),
        ([("Letters from Zanzibar", 0.058, 0.317, 0.559, 0.408), ("A film by Amina Juma", 0.053, 0.464, 0.555, 0.575)],
         "Letters from Zanzibar"),
        ([("By the numbers", 0.1, 0.1, 0.5, 0.22), ("Carbon for one person", 0.1, 0.4, 0.5, 0.5)], "By the numbers"),
    ],
)  # fmt: skip
def test_smaller_lines_below_a_title_are_no_part_of_it(
    lines: list[tuple[str, float, float, float, float]], title: str
) -> None:
    assert screen_title(lines_of(*lines)) == title


def test_the_first_slide_names_a_talk_whose_capitals_look_as_high_as_the_lines_below() -> None:
    first = lines_of(
        ("TREATY OF TORDESILLAS", 0.061, 0.119, 0.814, 0.206),
        ("SPEAKER: MARIA FERNANDA LOPES", 0.059, 0.272, 0.702, 0.339),
        ("UNIVERSIDADE DE COIMBRA", 0.059, 0.386, 0.578, 0.461),
    )
    second = lines_of(
        ("KING JOHN II OF PORTUGAL", 0.058, 0.117, 0.884, 0.219), ("QUEEN ISABELLA", 0.058, 0.269, 0.377, 0.344)
    )
    frames = [first, replace(second, index=1, time_s=8.0)]
    said = ("The treaty of Tordesillas was signed.", "King John the second of Portugal and Queen Isabella.")
    assert title_of(frames, *said) == "TREATY OF TORDESILLAS"


def test_a_talk_without_a_title_slide_has_no_title() -> None:
    assert title_of(talk()) == ""
    assert title_of(talk(slides=1)) == ""


def test_headers_and_logos_are_no_title() -> None:
    header: Placed = ("Annual Meeting of Beekeepers", 0.05, 0.02, 0.09)
    frames = talk(every_slide=(header, ("ACME", 0.85, 0.02, 0.1)))
    assert title_of(frames) == ""
    assert [screen_title(each) for each in without_running_lines(frames)][:2] == ["Why it matters", "What we did"]
    assert title_of(talk(TITLE, every_slide=(header,))) == "Bees in the City"


def test_the_title_that_other_slides_repeat_is_the_title() -> None:
    frames = talk(TITLE, at=3, every_slide=(("Bees in the City", 0.05, 0.93, 0.03),))
    assert title_of(frames) == "Bees in the City"


@pytest.mark.parametrize(
    "text",
    ["Thank you", "Thank you for listening!", "Questions?", "Q & A", "Agenda", "THE PEACH OPEN MOVIE PROJECT PRESENTS",
     "Vielen Dank", "谢谢大家", "Part 2", "The End", "www.example.org"],
)  # fmt: skip
def test_what_ends_or_divides_a_video_does_not_name_it(text: str) -> None:
    assert not is_title(text)
    assert title_of(talk((text, 0.2, 0.4, 0.12))) == ""


def test_a_lower_third_and_a_sign_in_the_street_are_no_title() -> None:
    third = frame(0, 1.0, ("Annual Meeting of Roasters", 0.05, 0.82, 0.09), look=PHOTO)
    sign = frame(1, 5.0, ("Joe's Coffee Shop", 0.05, 0.3, 0.06), look=PHOTO)
    assert title_of([third, sign]) == ""
    card = frame(2, 9.0, ("Big Buck Bunny", 0.28, 0.3, 0.1), look=PHOTO)
    assert title_of([third, sign, card]) == "Big Buck Bunny"


def test_a_title_that_is_said_counts_more() -> None:
    low = talk(("Bees in the City", 0.07, 0.12, 0.09))
    assert title_of(low, "Today we talk about bees in the city.") == "Bees in the City"


def test_titles_of_all_languages_stay_as_they_are() -> None:
    for text in ("Die Geschichte des Brotes", "Погода и климат", "海洋的秘密", "L'eau, l'air et la vie"):
        assert title_of([frame(0, 1.0, (text, 0.25, 0.4, 0.12))]) == text


def test_a_title_that_is_appearing_is_read_as_it_is_later() -> None:
    assert best_reading("THANKS FOR WAICHING", ["THANKS FOR WAICHING", *["THANKS FOR WATCHING"] * 2]) == (
        "THANKS FOR WATCHING"
    )
    assert best_reading("Lesson 1: Bees", ["Lesson 1: Bees", *["Lesson 2: Bees"] * 3]) == "Lesson 1: Bees"
    assert best_reading("", []) == ""


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=60), st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 0.3), st.floats(0.3, 1)),
        max_size=8,
    )
)
def test_a_title_consists_of_lines_of_one_frame(
    drawn: list[tuple[str, float, float, float, float]],
) -> None:
    lines = [
        TextLine(text, (x, y, min(1.0, x + 0.4), min(1.0, y + height)), score) for text, x, y, height, score in drawn
    ]
    only = replace(keyframe(0, 1.0, 0, 0), text_lines=tuple(lines))
    for title in (screen_title(only), video_title([only], [], 10.0)):
        letters = [character for character in title if not character.isspace()]
        known = "".join(line.text for line in lines)
        assert all(character in known for character in letters)
        assert len(title) <= max([110, *(len(line.text) for line in lines)])
    assert without_running_lines([only]) == [only]
