from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.text.batches import length_batches


@given(st.lists(st.integers(1, 300)), st.integers(64, 2048))
def test_every_text_is_in_one_batch_and_no_batch_is_over_the_budget(lengths: list[int], budget: int):
    batches = list(length_batches(lengths, budget))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= budget


@given(st.lists(st.integers(1, 300), min_size=1))
def test_batches_hold_texts_of_like_length(lengths: list[int]):
    order = [lengths[place] for batch in length_batches(lengths, 512) for place in batch]
    assert order == sorted(lengths, reverse=True)
