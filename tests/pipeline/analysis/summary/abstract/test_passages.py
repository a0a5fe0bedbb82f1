from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.summary.abstract.passages import Passage, pieces, prompt

SENTENCES = st.lists(st.integers(1, 12).map(lambda words: " ".join(["word"] * words) + "."), min_size=1, max_size=20)


@given(st.lists(SENTENCES, max_size=8), st.integers(3, 60))
def test_pieces_hold_all_words_in_order_and_fit_unless_one_sentence_does_not(
    chapters: list[list[str]], room: int
) -> None:
    numbered = [
        [sentence.replace("word", f"w{place}x{index}") for index, sentence in enumerate(chapter)]
        for place, chapter in enumerate(chapters)
    ]
    texts = pieces([Passage("", tuple(chapter)) for chapter in numbered], lambda text: len(text.split()), room)
    assert " ".join(texts).split() == " ".join(sentence for chapter in numbered for sentence in chapter).split()
    for text in texts:
        assert len(text.split()) <= room or text.count(".") == 1


def test_only_an_instruct_model_is_told_what_to_do() -> None:
    assert prompt("The sea is deep.", count=3, partial=False, instructed=False) == "The sea is deep."
    told = prompt("The sea is deep.", count=3, partial=True, instructed=True)
    assert "at most 3 short sentences" in told
    assert "notes on the parts of a video" in told
    assert told.endswith("The sea is deep.\n\nSummary:")
