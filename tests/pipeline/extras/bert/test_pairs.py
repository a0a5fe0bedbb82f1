"""Pairs for next sentence prediction."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extras.bert.pairs import sentence_pairs

documents = st.lists(st.integers(1, 6), min_size=1, max_size=6).map(
    lambda lengths: [tuple(f"{number}.{place}" for place in range(length)) for number, length in enumerate(lengths)]
)


@given(documents, st.integers(0, 99))
def test_pairs_say_truly_whether_the_second_follows_the_first(made: list[tuple[str, ...]], seed: int) -> None:
    neighbours = {(one, other) for document in made for one, other in pairwise(document)}
    pairs = sentence_pairs(made, np.random.default_rng(seed))
    for pair in pairs:
        assert ((pair.first, pair.second) in neighbours) == pair.follows
        assert pair.first != pair.second
    following = sum(pair.follows for pair in pairs)
    assert following == (len(neighbours) + 1) // 2, "half of the neighbours stay together"
    if len(made) > 1:
        assert len(pairs) == len(neighbours)
        assert all(pair.first.split(".")[0] != pair.second.split(".")[0] for pair in pairs if not pair.follows)
