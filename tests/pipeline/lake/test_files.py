import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.lake.files import SharedFile


class ShortReads(io.BytesIO):
    """A file that, as raw ones may, gives less than it is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3 if size is None or size < 0 else min(3, size))


def test_each_thread_reads_from_where_it_went_whatever_others_do_meanwhile() -> None:
    file = SharedFile(io.BytesIO(bytes(range(100))))
    with ThreadPoolExecutor(1) as other:
        file.seek(10)
        other.submit(file.seek, 50).result()
        assert file.read(3) == bytes([10, 11, 12])
        assert other.submit(file.read, 2).result() == bytes([50, 51])
        assert (file.tell(), other.submit(file.tell).result()) == (13, 52)


@pytest.mark.parametrize("size", [0, 1, 3, 7, 100, 101, -1])
def test_a_read_gives_all_that_was_asked_for_and_is_there(size: int) -> None:
    content = bytes(range(100))
    file = SharedFile(ShortReads(content))
    assert file.read(size) == (content if size < 0 else content[:size])


def test_positions_count_from_the_start_from_here_and_from_the_end() -> None:
    file = SharedFile(io.BytesIO(b"0123456789"))
    assert (file.seek(4), file.seek(2, 1), file.seek(-1, 2)) == (4, 6, 9)
    assert file.read() == b"9"
