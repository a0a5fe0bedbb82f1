"""Names on screen correct the spelling of names that were heard, and nothing else."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.corrections import apply_corrections, automatic
from pipeline.analysis.entities.respelling import heard, respelled
from pipeline.analysis.entities.sounding import letters_of, look_alike, skeleton
from pipeline.analysis.entities.written_names import ScreenName, screen_names
from pipeline.language import is_ordinary
from schemas.corrections import Correction, Span
from schemas.records import Analysis, Keyframe, TextLine, Utterance, Word
from tests.nightly import examples
from tests.pipeline.lake.lakes import NOON, analysis


def spoken(text: str, *, unsure: str = "", start_s: float = 0.0, language: str = "en", index: int = 0) -> Utterance:
    """Return an utterance with a word a second, of which some are heard with a probability of 0.4."""
    words = tuple(
        Word(word, start_s + number, start_s + number + 0.8, 0.4 if word.strip(".,!?") in unsure.split() else 0.95)
        for number, word in enumerate(text.split())
    )
    return Utterance(
        index=index, start_s=start_s, end_s=start_s + max(1, len(words)), text=text, language=language, speaker=None,
        words=words, avg_logprob=-0.3, no_speech_prob=0.0, compression_ratio=1.0, flags=("low_logprob",),
    )  # fmt: skip


def shown(text: str, *, code: bool = True, at_s: float = 0.0) -> ScreenName:
    return ScreenName(text, code, ((at_s, at_s + 10.0),))


def corrected(text: str, *names: ScreenName, unsure: str = "", **more: object) -> str:
    [utterance] = respelled([spoken(text, unsure=unsure, **more)], names)  # type: ignore[arg-type]
    return utterance.text


@pytest.mark.parametrize(
    ("said", "unsure", "name", "right"),
    [
        ("It is called Lion400M.", "Lion400M", "LAION-400M", "It is called LAION-400M."),
        ("It is called Leon 400M, and", "Leon", "LAION-400M", "It is called LAION-400M, and"),
        ("They showed Dali.", "Dali", "DALL-E", "They showed DALL-E."),
        ("We use Dolly's weights", "Dolly's", "DALL-E", "We use DALL-E's weights"),
        ("Stanford began image net in 2009.", "image", "ImageNet", "Stanford began ImageNet in 2009."),
        ("the laion 400m data", "", "LAION-400M", "the LAION-400M data"),
    ],
)
def test_a_misheard_name_is_spelled_as_on_screen(said: str, unsure: str, name: str, right: str) -> None:
    assert corrected(said, shown(name), unsure=unsure) == right


def test_the_part_of_a_persons_name_that_was_heard_rightly_is_not_touched() -> None:
    before = spoken("My name is Rebecca Lindkwist.", unsure="Lindkwist")
    [after] = respelled([before], [shown("Rebecca Lindqvist", code=False)])
    assert after.text == "My name is Rebecca Lindqvist."
    assert after.words[:4] == before.words[:4]
    assert after.words[4] == replace(before.words[4], word="Lindqvist.")
    assert (after.heard_text, after.heard_words, after.flags) == (before.text, before.words, before.flags)
    assert (after.auto_text, after.auto_words) == (None, None)


ADVERSARIAL = [
    ("The lion sleeps in the sun.", "lion", "LAION-400M"),
    ("Lions sleep a lot.", "Lions", "LAION-400M"),
    ("A line of people", "line", "LAION-400M"),
    ("They showed Dali.", "", "DALL-E"),  # heard with certainty
    ("We flew to Delhi.", "Delhi", "DALL-E"),
    ("It costs 4000 euros", "4000", "LAION-400M"),
    ("Leon 500M is another one", "Leon", "LAION-400M"),
    ("Open AI never published it.", "Open AI", "OpenAl"),  # OCR read an l for an I
    ("Robin Rombach wrote it.", "Robin Rombach", "RobinRombach"),  # OCR lost the space
    ("Use the image nets of the fisher", "image nets", "ImageNet"),
    ("Dolls are toys.", "Dolls", "DALL-E"),
    ("I saw the coconut.", "coconut", "COCO"),
    ("Thank you, Dale.", "", "DALL-E"),
]


@pytest.mark.parametrize(("said", "unsure", "name"), ADVERSARIAL)
def test_what_only_resembles_a_name_on_screen_stays(said: str, unsure: str, name: str) -> None:
    assert corrected(said, shown(name), unsure=unsure) == said


def test_a_word_that_is_on_screen_itself_stays() -> None:
    assert (
        corrected("They showed Dali.", shown("DALL-E"), shown("Dali", code=False), unsure="Dali") == "They showed Dali."
    )


def test_a_name_that_fits_two_names_on_screen_stays() -> None:
    assert corrected(
        "Meet Jon Smyth.", shown("Jon Smith", code=False), shown("John Smyth", code=False), unsure="Jon Smyth"
    ) == ("Meet Jon Smyth.")


def test_a_name_that_was_heard_rightly_elsewhere_does_not_replace_another() -> None:
    lines = [spoken("DALL-E is new."), spoken("It honours Dali.", unsure="Dali", start_s=5.0, index=1)]
    assert [each.text for each in respelled(lines, [shown("DALL-E")])] == [each.text for each in lines]


def test_a_name_of_one_word_counts_only_near_the_time_at_which_it_is_shown() -> None:
    assert corrected("They showed Dali.", shown("DALL-E", at_s=3000.0), unsure="Dali") == "They showed Dali."
    assert (
        corrected("They showed Dali.", shown("DALL-E", at_s=3000.0), unsure="Dali", start_s=3005.0)
        == "They showed DALL-E."
    )


def test_only_english_with_times_of_words_is_corrected() -> None:
    assert corrected("Das ist Dali.", shown("DALL-E"), unsure="Dali", language="de") == "Das ist Dali."
    bare = replace(spoken("They showed Dali.", unsure="Dali"), words=())
    assert respelled([bare], [shown("DALL-E")])[0] is bare


def test_a_later_mention_is_corrected_although_it_was_heard_with_certainty() -> None:
    lines = [spoken("They showed Dali.", unsure="Dali"), spoken("Nobody has Dali.", start_s=5.0, index=1)]
    assert [each.text for each in respelled(lines, [shown("DALL-E")])] == ["They showed DALL-E.", "Nobody has DALL-E."]


ordinary = st.sampled_from(
    [
        "the",
        "lion",
        "line",
        "doll",
        "dolly",
        "image",
        "net",
        "a",
        "late",
        "lay",
        "on",
        "coco",
        "cocoa",
        "get",
        "images",
        "common",
        "crawl",
        "data",
        "deal",
        "stable",
        "art",
        "one",
        "in",
        "they",
        "show",
        "and",
        "with",
        "model",
        "word",
        "day",
        "light",
        "delay",
        "loan",
        "lane",
        "dial",
        "dull",
        "idol",
        "lean",
        "alone",
    ]
)
NAMES = [shown("LAION-400M"), shown("DALL-E"), shown("COCO"), shown("OpenAI"), shown("Robin Rombach", code=False)]


@settings(max_examples=examples(200))
@given(st.lists(ordinary, min_size=1, max_size=12), st.booleans(), st.floats(0, 1))
def test_ordinary_words_are_never_corrected_however_unsure_they_were(
    words: list[str], capital: bool, sure: float
) -> None:
    text = " ".join(words).capitalize() if capital else " ".join(words)
    if capital and not is_ordinary(words[0]):
        text = f"The {' '.join(words)}"
    before = spoken(f"{text}.")
    before = replace(before, words=tuple(replace(word, probability=sure) for word in before.words))
    assert respelled([before], NAMES)[0] is before


tokens = st.sampled_from(
    [
        "Dali",
        "Leon",
        "400M",
        "Lion400M",
        "the",
        "said,",
        "Robin",
        "Romba",
        "Cocoa.",
        "image",
        "net",
        "Open",
        "AI",
        "Dolly's",
        "--",
        "12",
    ]
)


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(tokens, st.floats(0, 1)), min_size=1, max_size=10))
def test_times_stay_and_what_was_heard_comes_back(drawn: list[tuple[str, float]]) -> None:
    before = spoken(" ".join(word for word, _ in drawn))
    words = tuple(replace(word, probability=sure) for word, (_, sure) in zip(before.words, drawn, strict=True))
    before = replace(before, words=words)
    [after] = respelled([before], NAMES)
    assert asdict(heard(after)) == asdict(before)
    if after.words:
        ends_s = before.words[0].start_s, before.words[-1].end_s
        assert (after.words[0].start_s, after.words[-1].end_s) == pytest.approx(ends_s)
    assert all(one.end_s <= other.start_s + 1e-6 for one, other in zip(after.words, after.words[1:], strict=False))
    assert all(word.start_s <= word.end_s for word in after.words)
    assert respelled([after], NAMES)[0].text == after.text, "a second pass changes nothing"


def test_a_users_correction_wins_and_is_undone_to_the_respelled_text() -> None:
    [after] = respelled([spoken("They showed Dali.", unsure="Dali")], [shown("DALL-E")])
    place = Span(after.start_s, after.end_s)
    wish = Correction("c1", "v", "text", place, (), after.text, "They showed Salvador Dali.", "Ann", NOON, None)
    [fixed], unplaced = apply_corrections([after], [wish])
    assert (fixed.text, fixed.auto_text, fixed.heard_text) == (
        "They showed Salvador Dali.", "They showed DALL-E.", "They showed Dali.",
    )  # fmt: skip
    assert not unplaced
    assert heard(automatic(fixed)).text == "They showed Dali."


def with_lines(*lines: str, score: float = 0.95) -> Analysis:
    made = analysis("v01")
    box = (0.1, 0.1, 0.9, 0.2)
    frame: Keyframe = replace(made.keyframes[0], text_lines=tuple(TextLine(line, box, score) for line in lines))
    return replace(made, keyframes=(frame,))


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("LAION-400M", ["LAION-400M"]),
        ("DALL-E", ["DALL-E"]),
        ("COCO: Microsoft, 2014", ["COCO"]),
        ("OpenAI and ImageNet", ["OpenAI", "ImageNet"]),
        ("X-RAY AND E-MAIL", []),
        ("WE ARE HIRING", []),
        ("McDonald met DeVito", []),
        ("PART-2 of the T-SHIRT", []),
        ("www.OpenAI.com/x", []),
        ("0penA1 G0OGLE", []),
    ],
)
def test_names_that_are_written_like_no_other_word_need_no_model(line: str, names: list[str]) -> None:
    assert [each.text for each in screen_names(with_lines(line), None)] == names


def test_a_line_that_was_read_with_doubt_corrects_nothing() -> None:
    assert screen_names(with_lines("LAION-400M", score=0.7), None) == []


def test_words_that_sound_alike_have_one_skeleton() -> None:
    assert len({skeleton(letters_of(each)) for each in ("LAION", "Leon", "lion")}) == 1
    assert skeleton(letters_of("Lindqvist")) == skeleton(letters_of("Lindkwist"))
    assert skeleton("400") != skeleton("40")
    assert look_alike(letters_of("OpenAI"), letters_of("OpenAl"))
    assert not look_alike(letters_of("Dali"), letters_of("Doll"))


@pytest.mark.parametrize("word", ["the", "Lesson", "irons", "stopping", "happily", "nurses"])
def test_ordinary_words(word: str) -> None:
    assert is_ordinary(word)


@pytest.mark.parametrize("word", ["Paris", "Merkel", "Boeing", "dali", "laion", "Rombach"])
def test_names_are_no_ordinary_words(word: str) -> None:
    assert not is_ordinary(word)
