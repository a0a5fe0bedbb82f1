"""Which locations may be opened: one scheme at a time, and nothing inside this network."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.http import HTTPFileSystem

from pipeline.analysis.media import open_bytes
from pipeline.lake import Lake
from pipeline.remote import RefusedError, check_lake, check_scheme, file_system
from pipeline.remote.policy import allowed_hosts
from pipeline.run import list_archive
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError, ConfigurationError, ErrorKind, LakeError, MediaError
from tests.web_server import Page, WebServer

CONFIG = ArchiveConfig()
HOSTS = "VIDEOLAKE_ALLOWED_HOSTS"
SCHEMES = "VIDEOLAKE_ALLOWED_SCHEMES"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A server inside this network, which nobody has allowed."""
    monkeypatch.delenv(HOSTS, raising=False)
    HTTPFileSystem.clear_instance_cache()  # no connection is left from a test that allowed it
    with WebServer() as running:
        running.pages["/v.mp4"] = Page(b"secret", {"ETag": '"1"'})
        yield running
    HTTPFileSystem.clear_instance_cache()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "0.0.0.0", "0x7f000001", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::]", "localhost",
     "example.org@127.0.0.1", "example.org:80@localhost"],
)  # fmt: skip
def test_an_internal_address_is_refused_however_it_is_written(server: WebServer, host: str, tmp_path: Path) -> None:
    uri = f"http://{host}:{server.port}/v.mp4"
    with pytest.raises(MediaError, match=HOSTS) as raised, open_bytes(uri):
        pass
    assert raised.value.kind is ErrorKind.REFUSED
    with pytest.raises(ArchiveError, match=HOSTS):
        list(list_archive([uri], CONFIG))
    (tmp_path / "list.txt").write_text(uri)
    assert [item.size_bytes for item in list_archive([str(tmp_path / "list.txt")], CONFIG)] == [0]
    assert server.requests == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0177.0.0.1", "LOCALHOST."])
def test_addresses_in_unusual_forms_lead_nowhere(server: WebServer, host: str) -> None:
    with pytest.raises(MediaError), open_bytes(f"http://{host}:{server.port}/v.mp4"):
        pass
    assert server.requests == []


def test_a_name_is_checked_by_the_address_that_is_connected_to(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one thing replaced is DNS: a public name that resolves to this machine, as in DNS rebinding.
    real = socket.getaddrinfo

    def rebound(host: Any, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host == "videos.example.org" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    uri = f"http://videos.example.org:{server.port}/v.mp4"
    with pytest.raises(MediaError, match=HOSTS), open_bytes(uri):
        pass
    assert server.requests == []
    monkeypatch.setenv(HOSTS, "videos.example.org")
    with open_bytes(uri) as file:
        assert file.read() == b"secret"


def test_a_redirect_into_this_network_is_not_followed(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, "127.0.0.1")
    with WebServer("127.0.0.2") as internal:
        internal.pages["/v.mp4"] = Page(b"secret")
        server.pages["/moved.mp4"] = Page(status=302, headers={"Location": f"{internal.url}/v.mp4"})
        server.pages["/here.mp4"] = Page(status=302, headers={"Location": "/v.mp4"})
        with pytest.raises(MediaError) as raised, open_bytes(f"{server.url}/moved.mp4"):
            pass
        assert raised.value.kind is ErrorKind.REFUSED
        assert internal.requests == []
        with open_bytes(f"{server.url}/here.mp4") as file:
            assert file.read() == b"secret"


@pytest.mark.parametrize("allowed", ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "localhost", "[::1],127.0.0.1"])
def test_the_operator_can_allow_hosts(server: WebServer, monkeypatch: pytest.MonkeyPatch, allowed: str) -> None:
    monkeypatch.setenv(HOSTS, allowed)
    host = "localhost" if allowed == "localhost" else "127.0.0.1"
    assert [item.size_bytes for item in list_archive([f"http://{host}:{server.port}/v.mp4"], CONFIG)] == [6]


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2001:4860:4860::8888", True), ("64:ff9b::808:808", True), ("64:ff9b::7f00:1", False),
     ("169.254.169.254", False), ("fe80::1%eth0", False), ("fd00:ec2::254", False), ("10.1.2.3", False),
     ("172.16.0.1", False), ("192.168.0.1", False), ("100.64.0.1", False), ("224.0.0.1", False), ("ff02::1", False),
     ("255.255.255.255", False), ("::ffff:169.254.169.254", False), ("2002:a9fe:a9fe::", False), ("fec0::1", False)],
)  # fmt: skip
def test_only_public_addresses_are_open_to_all(address: str, public: bool) -> None:
    if public:
        allowed_hosts({}).check(address)
    else:
        with pytest.raises(RefusedError):
            allowed_hosts({}).check(address)


def test_a_network_that_is_not_one_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"10\.0\.0/8"):
        allowed_hosts({HOSTS: "10.0.0/8"})


@pytest.mark.parametrize(
    "uri",
    ["simplecache::http://8.8.8.8/v.mp4", "filecache::s3://b/v.mp4", "zip://v.mp4::http://8.8.8.8/a.zip",
     "reference://::http://8.8.8.8/a.json", "ftp://8.8.8.8/v.mp4", "sftp://8.8.8.8/v.mp4", "local:///etc/passwd",
     "data://v.mp4", "SMB://8.8.8.8/v.mp4", "webhdfs://8.8.8.8/v.mp4"],
)  # fmt: skip
def test_other_schemes_and_chains_are_refused_everywhere(uri: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(uri)
    for root in (uri, str(tmp_path / "list.txt")):
        with pytest.raises(ArchiveError, match=f"chains|{SCHEMES}"):
            list(list_archive([root], CONFIG))
    with pytest.raises(MediaError) as raised, open_bytes(uri):
        pass
    assert raised.value.kind is ErrorKind.REFUSED
    with pytest.raises(LakeError):
        Lake.create(uri)


def test_what_looks_like_a_chain_in_a_name_is_a_name() -> None:
    filesystem, path = file_system("memory://films/a::b.mp4")
    filesystem.pipe(path, b"1")
    assert [item.uri for item in list_archive(["memory://films/a::b.mp4"], CONFIG)] == ["memory://films/a::b.mp4"]
    with open_bytes("memory://films/a::b.mp4") as file:
        assert file.read() == b"1"
    filesystem.rm(path)


def test_a_run_can_narrow_the_schemes_and_never_widen_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArchiveError, match=r"archive\.schemes"):
        list(list_archive([str(tmp_path)], ArchiveConfig(schemes=("s3",))))
    with pytest.raises(ArchiveError, match=SCHEMES):
        list(list_archive(["ftp://8.8.8.8/v.mp4"], ArchiveConfig(schemes=("ftp",))))
    monkeypatch.setenv(SCHEMES, "S3, ftp")
    check_scheme("ftp://8.8.8.8/v.mp4")
    with pytest.raises(RefusedError):
        check_scheme("http://8.8.8.8/v.mp4")


def test_a_lake_is_neither_on_the_web_nor_on_an_internal_server() -> None:
    check_lake("s3://bucket/lake")
    for uri in (
        "http://8.8.8.8/lake",
        "s3://b/lake?endpoint_override=http://169.254.169.254",
        "s3://b?endpoint_override=10.0.0.1:9000",
        "abfs://files@account/lake?blob_storage_authority=10.0.0.1:10000",
    ):
        with pytest.raises(RefusedError):
            check_lake(uri)
