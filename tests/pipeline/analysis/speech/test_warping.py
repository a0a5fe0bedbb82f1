from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from pipeline.analysis.speech.engines.warping import cheapest_path


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-3, 3)))
def test_the_path_is_that_of_whisper_also_where_steps_are_equally_cheap(costs: NDArray[np.float64]) -> None:
    from whisper import timing

    with patch.object(timing, "backtrace", timing.backtrace.py_func):  # not compiled by numba
        expected = timing.dtw_cpu.py_func(costs)
    assert cheapest_path(costs).T.tolist() == expected.tolist()


def test_each_row_is_on_the_path_even_if_no_cost_is_a_number() -> None:
    path = cheapest_path(np.full((4, 6), np.nan))
    assert sorted(set(path[:, 0].tolist())) == [0, 1, 2, 3]
    assert (np.diff(path, axis=0) >= 0).all()
    assert path.min() == 0
