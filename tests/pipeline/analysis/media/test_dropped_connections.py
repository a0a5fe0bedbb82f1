"""A file that cannot be read for a while is read in the end, and one that cannot be read any more is an error."""

import errno
import io
from pathlib import Path
from typing import IO

import fsspec
import pytest

from pipeline.analysis.media import decode, probe, sources
from pipeline.analysis.media.decoding import DecodeStats
from pipeline.remote import file_systems, requests
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from tests.material import music, shots_video
from tests.s3 import Fault, FaultProxy, Request


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shots_video(tmp_path_factory.mktemp("film") / "film.mp4", (2.0, 2.0), audio=music(4.0))


@pytest.fixture
def remote(film: Path, faulty_bucket: tuple[str, FaultProxy], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(file_systems, "_BLOCK_BYTES", 4 * 1024)  # many requests for a small film
    monkeypatch.setattr(requests, "_FIRST_DELAY_S", 0.001)
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    uri = f"{faulty_bucket[0]}/film.mp4"
    filesystem, path = fsspec.core.url_to_fs(uri)
    filesystem.put_file(str(film), path)
    return uri


def decoded(uri: str) -> DecodeStats:
    stats = DecodeStats()
    info = probe(uri, MediaConfig(), LimitsConfig())
    for _ in decode(uri, info, MediaConfig(), LimitsConfig(), wanted=lambda *_: 0, threads=1, stats=stats):
        pass
    return stats


def test_dropped_connections_change_nothing(film: Path, remote: str, faulty_bucket: tuple[str, FaultProxy]) -> None:
    def sometimes(request: Request) -> Fault | None:
        return (Fault.CUT_RESPONSE, None, Fault.LOST_RESPONSE)[request.number % 3] if request.verb == "GET" else None

    with faulty_bucket[1].failing(sometimes):
        found = decoded(remote)
    assert faulty_bucket[1].faults.total() > 3
    assert (found.frame_count, found.duration_s, found.warnings) == (100, decoded(str(film)).duration_s, {})


def test_a_store_that_goes_away_in_the_middle_is_an_error_that_the_next_run_retries(
    remote: str, faulty_bucket: tuple[str, FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = faulty_bucket[1]
    decoded(remote)
    most = proxy.requests["GET"]
    monkeypatch.setattr(requests, "PATIENCE_S", 0.01)
    for left in range(most):
        proxy.requests.clear()
        with (
            proxy.failing(lambda _: Fault.CUT_RESPONSE if proxy.requests["GET"] > left else None),  # noqa: B023
            pytest.raises(MediaError, match="cannot be read") as raised,
        ):
            decoded(remote)
        assert raised.value.kind is ErrorKind.UNREADABLE
        assert not raised.value.kind.permanent


@pytest.mark.parametrize("readable", [0.2, 0.5, 0.9])
def test_a_disk_that_fails_in_the_middle_of_a_file_is_an_error_and_not_a_short_film(
    film: Path, monkeypatch: pytest.MonkeyPatch, readable: float
) -> None:
    content = film.read_bytes()
    bad = int(readable * len(content))

    class Disk(io.BytesIO):
        """Stands for a disk with a bad block: no test can have a real one."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() <= bad < self.tell() + (size or 0):
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    def opened(uri: str, path: Path) -> IO[bytes]:
        return Disk(content)

    info = probe(str(film), MediaConfig(), LimitsConfig())
    monkeypatch.setattr(sources, "_open_regular", opened)
    monkeypatch.setattr(sources, "_BUFFER_BYTES", 4 * 1024)
    with pytest.raises(MediaError, match="Input/output error") as raised:
        for _ in decode(
            str(film), info, MediaConfig(), LimitsConfig(), wanted=lambda *_: 0, threads=1, stats=DecodeStats()
        ):
            pass
    assert raised.value.kind is ErrorKind.UNREADABLE
