"""Batching texts of similar length, so that batches hold little padding."""

from collections.abc import Iterator, Sequence


def length_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Split texts into batches of similar length.

    Args:
        lengths: Tokens of each text, at least 1.
        batch_tokens: Most tokens per batch, padding included. A longer text gets its own batch.

    Yields:
        Indices into `lengths`, longest first. Each index occurs once.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        # The first text of a batch is its longest, so it sets the padded length.
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
