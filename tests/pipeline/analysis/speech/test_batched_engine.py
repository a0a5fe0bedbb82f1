from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.analysis.speech.engines import Alignment, BatchedEngine, Decoded, Encoded, Span, Task
from pipeline.models import BatchSize
from tests.nightly import examples


class SmallEngine:
    """The seam: an engine of arithmetic, whose result depends on each window alone, with room for some windows."""

    name, n_mels, multilingual, num_languages, runs_on = "small", 2, True, 99, "cpu float32"

    def __init__(self, room: dict[str, int]) -> None:
        self.room = room

    def _fit(self, method: str, windows: int) -> None:
        if windows > self.room.get(method, 99):
            raise RuntimeError("CUDA failed with error out of memory")

    def encode(self, mel: NDArray[np.float32]) -> Encoded:
        self._fit("encode", len(mel))
        return Encoded(mel.sum(axis=(1, 2)), len(mel))

    def select(self, encoded: Encoded, indices: Sequence[int]) -> Encoded:
        return Encoded(encoded.features[list(indices)], len(indices))

    def join(self, parts: Sequence[Encoded]) -> Encoded:
        return Encoded(np.concatenate([part.features for part in parts]), sum(part.windows for part in parts))

    def detect(self, encoded: Encoded, spans: Sequence[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        self._fit("detect", encoded.windows)
        after = float(ending.features[0]) if ending else 0.5
        return [{"en": float(encoded.features[window]) + first, "la": after} for window, first, _ in spans]

    def generate(
        self,
        encoded: Encoded,
        language: str,
        *,
        beam_size: int,
        break_loops: bool,
        task: Task = "transcribe",
        max_tokens: int = 224,
    ) -> list[Decoded]:
        self._fit("generate", encoded.windows)
        return [Decoded((int(value),), float(beam_size), float(max_tokens)) for value in encoded.features]

    def align(
        self, encoded: Encoded, language: str, tokens: Any, frames: Any, *, task: Task = "transcribe"
    ) -> list[Alignment]:
        self._fit("align", encoded.windows)
        rows = zip(encoded.features, tokens, frames, strict=True)
        return [Alignment(np.array([float(value), frame]), np.array(text, float)) for value, text, frame in rows]


def everything(engine: Any, mel: NDArray[np.float32], spans: Sequence[Span]) -> str:
    encoded = engine.encode(mel)
    decoded = engine.generate(encoded, "en", beam_size=5, break_loops=False, max_tokens=len(mel))
    aligned = engine.align(encoded, "en", [each.tokens for each in decoded], list(range(len(mel))))
    detected = engine.detect(encoded, spans), engine.detect(encoded, spans, engine.encode(mel[:1]))
    return repr((detected, decoded, aligned, encoded.windows))


METHODS = ("encode", "detect", "generate", "align")


@settings(max_examples=examples(15))
@given(st.integers(1, 9), st.dictionaries(st.sampled_from(METHODS), st.integers(1, 9)), st.data())
def test_a_lack_of_memory_anywhere_changes_no_result(count: int, room: dict[str, int], data: st.DataObject) -> None:
    mel = np.arange(count * 8, dtype=np.float32).reshape(count, 2, 4)
    spans = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, 9), st.just(10))))
    batch = BatchSize("speech", 8, "cpu")
    found = everything(BatchedEngine(SmallEngine(room), batch), mel, spans)
    assert found == everything(SmallEngine({}), mel, spans)
    assert batch.size <= 8


@settings(max_examples=examples(15))
@given(st.integers(1, 9), st.dictionaries(st.sampled_from(METHODS), st.integers(1, 9)), st.data())
def test_windows_can_be_selected_and_joined_as_if_encoded_together(
    count: int, room: dict[str, int], data: st.DataObject
) -> None:
    mel = np.arange(count * 8, dtype=np.float32).reshape(count, 2, 4)
    indices = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=8))
    cut = data.draw(st.integers(0, len(indices)))
    engine = BatchedEngine(SmallEngine(room), BatchSize("speech", 8, "cpu"))
    encoded = engine.encode(mel)
    joined = engine.join([engine.select(encoded, part) for part in (indices[:cut], indices[cut:]) if part])
    found = engine.generate(joined, "en", beam_size=5, break_loops=False)
    assert found == SmallEngine({}).generate(SmallEngine({}).encode(mel[indices]), "en", beam_size=5, break_loops=False)


def test_what_is_selected_is_not_encoded_again() -> None:
    small = SmallEngine({})
    engine = BatchedEngine(small, BatchSize("speech", 8, "cpu"))
    encoded = engine.encode(np.arange(24, dtype=np.float32).reshape(3, 2, 4))
    small.room = {"encode": 0}
    selected = engine.join([engine.select(encoded, [2]), engine.select(encoded, [0])])
    assert engine.detect(selected, [(0, 0, 1)]) == engine.detect(encoded, [(2, 0, 1)])


def test_a_window_that_does_not_fit_alone_is_a_lack_of_memory() -> None:
    engine = BatchedEngine(SmallEngine({"generate": 0}), BatchSize("speech", 8, "cpu"))
    encoded = engine.encode(np.zeros((3, 2, 4), np.float32))
    with pytest.raises(RuntimeError, match="out of memory"):
        engine.generate(encoded, "en", beam_size=1, break_loops=False)
