import logging
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models import BatchSize, batch_size

LENGTHS = st.lists(st.integers(1, 300)).map(lambda lengths: sorted(lengths, reverse=True))


@given(LENGTHS, st.integers(64, 2048), st.integers(300, 3000))
def test_every_item_is_computed_once_in_batches_that_fit(lengths: list[int], size: int, memory: int) -> None:
    def compute(batch: Sequence[int]) -> int:
        if len(batch) * batch[0] > memory:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return sum(batch)

    batch = BatchSize("text", size, "cpu")
    found = list(batch.batches(lengths, compute, weight=lambda length: length))
    assert [length for items, _ in found for length in items] == lengths
    assert all(result == sum(items) for items, result in found)
    assert all(len(items) == 1 or len(items) * items[0] <= min(size, memory) for items, _ in found)


def test_the_smaller_batch_is_kept_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    network, computed = torch.nn.Linear(4, 2), []

    def compute(rows: Sequence[torch.Tensor]) -> torch.Tensor:
        computed.append(len(rows))
        if len(rows) > 4:
            torch.empty(1 << 60)  # a real lack of memory
        return network(torch.stack(list(rows)))

    batch = BatchSize("vision", 8, "cpu")
    rows = list(torch.randn(10, 4))
    with caplog.at_level(logging.WARNING), torch.inference_mode():
        found = torch.cat([result for _, result in batch.batches(rows, compute)])
        list(batch.batches(rows, compute))
    assert computed == [8, 4, 4, 2, 4, 4, 2]
    assert torch.allclose(found, network(torch.stack(rows)))
    [line] = caplog.messages
    assert line.startswith("The vision model ran out of memory on the device cpu with a batch of 8.")


def test_what_does_not_fit_alone_is_raised_and_other_errors_at_once() -> None:
    def full(_rows: Sequence[int]) -> None:
        raise MemoryError

    batch = BatchSize("vision", 8, "cpu")
    with pytest.raises(MemoryError):
        list(batch.batches([1, 2, 3], full))
    assert batch.size == 1
    calls = []
    with pytest.raises(RuntimeError, match="device-side"):
        list(BatchSize("vision", 8, "cpu").batches([1, 2, 3], lambda rows: calls.append(rows) or broken()))
    assert len(calls) == 1


def broken() -> None:
    raise RuntimeError("CUDA error: device-side assert triggered")


def test_a_cpu_computes_the_configured_batch_and_a_gpu_more() -> None:
    for role in ("vision", "text", "speech", "captions", "nli", "summary"):
        assert batch_size(role, 8, "cpu") == 8
        assert batch_size(role, 8, "cuda") >= 8
