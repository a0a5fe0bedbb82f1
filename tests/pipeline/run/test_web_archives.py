"""Archives on web servers, and manifests there."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fsspec.implementations.http import HTTPFileSystem

from pipeline.lake import Lake
from pipeline.run import discover, list_archive
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError
from tests.web_server import Page, WebServer

CONFIG = ArchiveConfig()
TIME = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setenv("VIDEOLAKE_ALLOWED_HOSTS", "127.0.0.1")
    HTTPFileSystem.clear_instance_cache()
    with WebServer() as running:
        yield running
    HTTPFileSystem.clear_instance_cache()


def downloads(server: WebServer) -> list[str]:
    return [path for method, path in server.requests if method == "GET"]


@pytest.mark.parametrize(
    ("headers", "new"),
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"ETag": '"1"', "Last-Modified": TIME}, {"ETag": '"2"', "Last-Modified": TIME}),
        ({"Last-Modified": TIME}, {"Last-Modified": TIME.replace("07:28", "07:29")}),
        ({"ETag": 'W/"1"', "Last-Modified": TIME}, {"ETag": 'W/"2"', "Last-Modified": TIME}),
    ],
)
def test_a_file_on_the_web_is_read_once_until_it_changes(
    server: WebServer, tmp_path: Path, headers: dict[str, str], new: dict[str, str]
) -> None:
    uri = f"{server.url}/v.mp4?token=1"
    server.pages["/v.mp4?token=1"] = Page(b"one", headers)
    lake = Lake.create(str(tmp_path / "lake"))

    def run() -> str:
        server.requests.clear()
        found = discover([uri], lake, CONFIG)
        if found.new_sources:
            lake.write_sources("run", [source | {"seen_at": datetime.now(UTC)} for source in found.new_sources])
        return found.tasks[0].video_id

    first = run()
    assert downloads(server) == ["/v.mp4?token=1"]
    assert run() == first
    assert downloads(server) == []
    server.pages["/v.mp4?token=1"] = Page(b"two", new)
    assert run() != first


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"1"'}])
def test_without_a_version_a_file_on_the_web_is_read_by_each_run(
    server: WebServer, tmp_path: Path, headers: dict[str, str]
) -> None:
    server.pages["/v.mp4"] = Page(b"one", headers)
    lake = Lake.create(str(tmp_path / "lake"))
    for _ in range(2):
        server.requests.clear()
        found = discover([f"{server.url}/v.mp4"], lake, CONFIG)
        lake.write_sources("run", [source | {"seen_at": datetime.now(UTC)} for source in found.new_sources])
        assert downloads(server) == ["/v.mp4"]


def test_a_folder_of_the_web_is_listed_by_its_links(server: WebServer) -> None:
    names = ("b.mp4", "a.mp4", "notes.txt", "../up.mp4", "c/")
    links = " ".join(f'<a href="{name}">{name}</a>' for name in names)
    server.pages["/films/"] = Page(links.encode(), {"Content-Type": "text/html"})
    server.pages |= {f"/films/{name}.mp4": Page(name.encode() * 5, {"ETag": f'"{name}"'}) for name in ("a", "b", "c/d")}
    server.pages["/films/c/"] = Page(
        b'<a href="/films/c/d.mp4">d</a> <a href="../">up</a>', {"Content-Type": "text/html"}
    )
    found = list(list_archive([f"{server.url}/films/"], CONFIG))
    assert [(item.uri, item.size_bytes, item.etag) for item in found] == [
        (f"{server.url}/films/{name}.mp4", 5 * len(name), name) for name in ("a", "b", "c/d")
    ]


def test_a_manifest_on_the_web_lists_its_neighbours_and_other_uris(server: WebServer) -> None:
    server.pages["/a/list.txt"] = Page(f"one.mp4\n{server.url}/two.mp4\ngone.mp4\n".encode())
    server.pages |= {"/a/one.mp4": Page(b"1"), "/two.mp4": Page(b"22")}
    found = list(list_archive([f"{server.url}/a/list.txt"], CONFIG))
    assert [(item.uri.removeprefix(server.url), item.size_bytes) for item in found] == [
        ("/a/one.mp4", 1),
        ("/two.mp4", 2),
        ("/a/gone.mp4", 0),
    ]


@pytest.mark.parametrize(
    "entry", ["/etc/passwd", "file:///etc/passwd", "FILE:///etc/passwd", "zip://a::http://h/b.zip"]
)
def test_a_manifest_on_the_web_cannot_name_local_files_or_chains(server: WebServer, entry: str) -> None:
    server.pages["/list.csv"] = Page(f"path\n{entry}\n".encode())
    with pytest.raises(ArchiveError, match=r"only a local manifest|SCHEMES"):
        list(list_archive([f"{server.url}/list.csv"], CONFIG))


def test_files_of_a_slow_server_are_looked_up_together(server: WebServer, tmp_path: Path) -> None:
    together = threading.Barrier(8, timeout=120)  # no request is answered before eight have come
    server.pages |= {f"/{number}.mp4": Page(b"1", together=together) for number in range(8)}
    (tmp_path / "list.txt").write_text("\n".join(f"{server.url}/{number}.mp4" for number in range(8)))
    found = list(list_archive([str(tmp_path / "list.txt")], CONFIG))
    assert [item.size_bytes for item in found] == [1] * 8


def test_a_file_of_the_web_has_vanished_only_if_its_server_says_so(server: WebServer, tmp_path: Path) -> None:
    names = ["gone", "busy", "unlinked", "here"]
    server.pages |= {f"/films/{name}.mp4": Page(name.encode(), {"ETag": f'"{name}"'}) for name in names}
    lake = Lake.create(str(tmp_path / "lake"))

    def vanished(linked: list[str]) -> list[str]:
        links = " ".join(f'<a href="{name}.mp4">{name}</a>' for name in linked)
        server.pages["/films/"] = Page(links.encode(), {"Content-Type": "text/html"})
        found = discover([f"{server.url}/films/"], lake, CONFIG)
        lake.write_sources("run", found.source_rows(datetime.now(UTC)))
        return [row["uri"] for row in found.vanished]

    assert vanished(names) == []
    del server.pages["/films/gone.mp4"]
    server.pages["/films/busy.mp4"] = Page(status=403)
    assert vanished(["here"]) == [f"{server.url}/films/gone.mp4"]
