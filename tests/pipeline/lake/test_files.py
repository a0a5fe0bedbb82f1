import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.lake.files import SharedFile


class ShortReads(io.BytesIO):
    """A file that, as raw ones may, gives less than it is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3 if size is None or size < 0 else min(3, size))


def test_each_thread_has_its_own_position() -> None:
    file = SharedFile(io.BytesIO(bytes(range(100))))
    with ThreadPoolExecutor(1) as other:
        file.seek(10)
        other.submit(file.seek, 50).result()
        assert file.read(3) == bytes([10, 11, 12])
        assert other.submit(file.read, 2).result() == bytes([50, 51])
        assert (file.tell(), other.submit(file.tell).result()) == (13, 52)


@pytest.mark.parametrize("size", [0, 1, 3, 7, 100, 101, -1])
def test_a_read_returns_all_requested_bytes_up_to_the_end(size: int) -> None:
    content = bytes(range(100))
    file = SharedFile(ShortReads(content))
    assert file.read(size) == (content if size < 0 else content[:size])


def test_seeks_are_relative_to_the_start_the_position_or_the_end() -> None:
    file = SharedFile(io.BytesIO(b"0123456789"))
    assert (file.seek(4), file.seek(2, 1), file.seek(-1, 2)) == (4, 6, 9)
    assert file.read() == b"9"
