"""How many items a model computes at once: by device, and fewer when memory runs out."""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pipeline.models.faults import is_out_of_memory

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

_GPU_FACTORS = {"captions": 2, "nli": 4, "objects": 4, "sounds": 4, "speech": 2, "text": 8, "vision": 4}
"""By role: how many times the configured batch a GPU computes at once. Not measured; memory sets the limit."""


def batch_size(role: str, configured: int, device: str) -> int:
    """Return how many items a model computes at once on a device. A CPU computes the configured number.

    Args:
        role: The model's role, such as `vision`.
        configured: The setting: items, or tokens for `text`.
        device: `cpu` or `cuda`.
    """
    return configured * (_GPU_FACTORS.get(role, 1) if device.startswith("cuda") else 1)


class BatchSize:
    """The batch size of one model. It is halved whenever memory runs out, and stays so for the life of the worker.

    Args:
        role: The model's role, for the log.
        size: Items at once at first.
        device: `cpu` or `cuda`.
    """

    def __init__(self, role: str, size: int, device: str) -> None:
        self._role, self._device = role, device
        self.size = size
        """The largest batch that fits, as far as is known."""

    def batches(
        self,
        items: Sequence[Item],
        compute: Callable[[Sequence[Item]], Result],
        *,
        weight: Callable[[Item], int] = lambda _item: 1,
    ) -> Iterator[tuple[Sequence[Item], Result]]:
        """Compute all items in batches.

        Args:
            items: The heaviest first.
            compute: Called with the items of a batch. If memory runs out, it is called again with fewer.
            weight: How much an item counts. Items are padded, so a batch weighs its number times its heaviest item.

        Yields:
            The items of each batch, and what was computed of them.

        Raises:
            Exception: Whatever `compute` raises; lack of memory only for a single item.
        """
        start = 0
        while start < len(items):
            heaviest = weight(items[start])
            batch = items[start : start + max(1, self.size // heaviest)]
            fits = True
            try:
                result = compute(batch)
            except Exception as error:
                if len(batch) == 1 or not is_out_of_memory(error):
                    raise
                fits = False
            if fits:
                yield batch, result
                start += len(batch)
            else:
                # Outside `except`, where the exception no longer holds on to the memory of the batch.
                self._shrink(len(batch) // 2 * heaviest)

    def _shrink(self, size: int) -> None:
        logger.warning(
            "The %s model ran out of memory on the device %s with a batch of %d. From now on this worker uses %d.",
            self._role, self._device, self.size, size,
        )  # fmt: skip
        self.size = size
        if self._device.startswith("cuda"):
            import torch

            # PyTorch keeps freed memory, in pieces that may be too small for anything.
            gc.collect()
            torch.cuda.empty_cache()
