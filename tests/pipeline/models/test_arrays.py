"""Arrays in the model cache."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.models import cached_array


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path))
    return tmp_path


def test_an_array_is_made_once_for_a_key() -> None:
    made = [cached_array("x", ("a", key), lambda value=value: np.full(2, value, np.float32)) for key, value in
            (("b", 1.0), ("b", 2.0), ("c", 3.0))]  # fmt: skip
    assert [float(array[0]) for array in made if array is not None] == [1.0, 1.0, 3.0]


@pytest.mark.parametrize("left", [0, 40, 130])
def test_a_file_that_was_cut_off_is_made_anew(cache: Path, left: int) -> None:
    whole = np.arange(4, dtype=np.float32)
    cached_array("x", ("a",), lambda: whole)
    [file] = cache.iterdir()
    file.write_bytes(file.read_bytes()[:left])
    again = cached_array("x", ("a",), lambda: whole)
    assert again is not None
    assert np.array_equal(again, whole)
    assert np.array_equal(np.load(file), whole)


def test_a_file_with_any_damage_to_its_header_is_made_anew(cache: Path) -> None:
    whole = np.arange(4, dtype=np.float32)
    cached_array("x", ("a",), lambda: whole)
    [file] = cache.iterdir()
    sound = file.read_bytes()
    for place in range(80):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        assert cached_array("x", ("a",), lambda: whole) is not None


def test_nothing_is_not_kept(cache: Path) -> None:
    assert cached_array("x", ("a",), lambda: None) is None
    assert list(cache.iterdir()) == []
