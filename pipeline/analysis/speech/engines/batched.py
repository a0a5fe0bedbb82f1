"""An ASR engine that never computes more windows at once than fit into memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speech.engines.interface import (
    MAX_TOKENS,
    Alignment,
    Decoded,
    Encoded,
    Span,
    Task,
    WhisperEngine,
)
from pipeline.models import BatchSize

Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Windows:
    """Encoded windows in batches. The spectrograms are kept, to encode again in smaller batches."""

    mel: NDArray[np.float32]
    batches: dict[tuple[int, int], Encoded] = field(default_factory=dict)
    """By first and last (exclusive) window."""


class BatchedEngine:
    """Offers the members of `WhisperEngine`. Without lack of memory, it calls the engine once for each call.

    Args:
        engine: The loaded engine.
        batch: Windows at once.
    """

    def __init__(self, engine: WhisperEngine, batch: BatchSize) -> None:
        self._engine, self._batch = engine, batch
        self.name = engine.name
        self.n_mels = engine.n_mels
        self.multilingual = engine.multilingual
        self.num_languages = engine.num_languages
        self.runs_on = engine.runs_on

    def encode(self, mel: NDArray[np.float32]) -> Encoded:
        """Run the encoder over windows; see `WhisperEngine.encode`."""
        windows = _Windows(mel)
        encoded = sum(self._each(windows, lambda part, _first: part.windows))
        return Encoded(windows, encoded)

    def select(self, encoded: Encoded, indices: Sequence[int]) -> Encoded:
        """Return the encoder's output for some of the windows; see `WhisperEngine.select`."""
        windows, whole = encoded.features, _whole(encoded)
        kept = _Windows(windows.mel[list(indices)])
        if whole:
            kept.batches[0, len(indices)] = self._engine.select(whole, indices)
        return Encoded(kept, len(indices))

    def join(self, parts: Sequence[Encoded]) -> Encoded:
        """Return what was encoded in several calls as one; see `WhisperEngine.join`."""
        joined = _Windows(np.concatenate([part.features.mel for part in parts]))
        wholes = [whole for part in parts if (whole := _whole(part))]
        if len(wholes) == len(parts):
            joined.batches[0, len(joined.mel)] = self._engine.join(wholes)
        return Encoded(joined, len(joined.mel))

    def detect(self, encoded: Encoded, spans: Sequence[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        """Return the probability of each language code for each span; see `WhisperEngine.detect`."""
        found: list[dict[str, float]] = [{}] * len(spans)
        [silence] = self._each(ending.features, lambda part, _first: part) if ending else [None]

        def detect(part: Encoded, first: int) -> None:
            inside = [n for n, span in enumerate(spans) if first <= span[0] < first + part.windows]
            shifted = [(spans[n][0] - first, *spans[n][1:]) for n in inside]
            results = self._engine.detect(part, shifted, silence) if inside else ()
            for index, result in zip(inside, results, strict=True):
                found[index] = result

        for _ in self._each(encoded.features, detect):
            pass
        return found

    def generate(
        self,
        encoded: Encoded,
        language: str,
        *,
        beam_size: int,
        break_loops: bool,
        task: Task = "transcribe",
        max_tokens: int = MAX_TOKENS,
    ) -> list[Decoded]:
        """Decode the windows; see `WhisperEngine.generate`."""
        batches = self._each(
            encoded.features,
            lambda part, _first: self._engine.generate(
                part, language, beam_size=beam_size, break_loops=break_loops, task=task, max_tokens=max_tokens
            ),
        )
        return [decoded for batch in batches for decoded in batch]

    def align(
        self,
        encoded: Encoded,
        language: str,
        tokens: Sequence[Sequence[int]],
        frames: Sequence[int],
        *,
        task: Task = "transcribe",
    ) -> list[Alignment]:
        """Align text tokens with the first `frames` mel frames of each window; see `WhisperEngine.align`."""

        def align(part: Encoded, first: int) -> list[Alignment]:
            last = first + part.windows
            return self._engine.align(part, language, tokens[first:last], frames[first:last], task=task)

        return [alignment for batch in self._each(encoded.features, align) for alignment in batch]

    def _each(self, windows: _Windows, compute: Callable[[Encoded, int], Result]) -> Iterator[Result]:
        """Yield the result for each batch of windows; `compute` gets them encoded, and the index of the first."""

        def encoded(indices: Sequence[int]) -> Result:
            span = first, last = indices[0], indices[-1] + 1
            if span not in windows.batches:
                windows.batches = {(a, b): each for (a, b), each in windows.batches.items() if b <= first or a >= last}
                windows.batches[span] = self._engine.encode(windows.mel[first:last])
            return compute(windows.batches[span], first)

        for _, result in self._batch.batches(range(len(windows.mel)), encoded):
            yield result


def _whole(encoded: Encoded) -> Encoded | None:
    """Return the encoder's output if all windows are in one batch. Otherwise they are encoded again when needed."""
    found: Encoded | None = encoded.features.batches.get((0, len(encoded.features.mel)))
    return found
