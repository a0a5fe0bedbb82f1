"""Which texts are encoded together: those of like length, so that little of a batch is padding."""

from collections.abc import Iterator, Sequence


def length_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Split texts into batches of like length.

    Args:
        lengths: Tokens of each text, at least 1.
        batch_tokens: Most tokens a batch, padding included; a text that is longer is a batch of its own.

    Yields:
        Places in `lengths`, longest first; every place once.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        # The first of a batch is its longest, so it sets the padded length.
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
