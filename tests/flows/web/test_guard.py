"""Access control and security headers."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from flows.commands.browse import access_of, address_of, listen
from flows.web.app import make_app
from flows.web.guard import Access, is_loopback
from pipeline.lake import Lake
from pipeline.search import Searcher, update_index
from schemas.errors import ConfigurationError
from tests.flows.web.lakes import TALK


@pytest.fixture(scope="module")
def guarded(web_lake: Lake) -> TestClient:
    app = make_app(web_lake, Searcher(web_lake), access=Access("0.0.0.0", 8765, "s3cret"))
    return TestClient(app, base_url="http://archive.example", follow_redirects=False)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["/", "/errors", "/static/app.js", "/nowhere", f"/media/{TALK}", "/t/x.jpg"])
def test_every_response_has_security_headers(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    for address in ("/", f"/v/{TALK}", f"/media/{TALK}", "/static/app.js"):
        answer = client.request(method, address)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.evil", "", "a" * 300]
)
def test_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8765", "[::1]:8765", "[::1]"])
def test_names_of_this_machine_are_accepted(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 200


def test_a_loopback_address_is_accepted_as_host(web_lake: Lake) -> None:
    app = make_app(web_lake, Searcher(web_lake), access=Access("127.0.0.2", 8765))
    with TestClient(app, base_url="http://127.0.0.2:8765") as opened:
        assert opened.get("/health").status_code == 200
        assert opened.get("/health", headers={"host": "127.0.0.3:8765"}).status_code == 421


def test_on_other_addresses_the_token_is_required(guarded: TestClient) -> None:
    for address in (
        "/",
        f"/v/{TALK}",
        f"/media/{TALK}",
        "/static/app.js",
        "/?token=",
        "/?token=S3CRET",
        "/?token=s3cre",
    ):
        assert guarded.get(address).status_code == 401
    assert guarded.get("/", headers={"cookie": "videolake-8765=s3cret"}).status_code == 401
    assert guarded.get("/", headers={"cookie": "videolake-8765=\x7f; =;;"}).status_code == 401


def test_the_token_becomes_a_strict_http_only_cookie(guarded: TestClient) -> None:
    answer = guarded.get("/?token=s3cret&q=a%22b%26c")
    assert answer.status_code == 200
    assert 'url=/?q=a%22b%26c"' in answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert "s3cret" not in cookie
    guarded.cookies.clear()
    value = answer.headers["set-cookie"].split(";")[0]
    assert guarded.get("/", headers={"cookie": value}).status_code == 200
    assert guarded.get("http://archive.example//evil.example/?token=s3cret").text.count("url=/evil.example/") == 1
    guarded.cookies.clear()


def test_only_a_loopback_address_goes_without_a_token() -> None:
    assert access_of("127.0.0.1", 1, None).token == ""
    assert len(access_of("0.0.0.0", 1, None).token) >= 24
    assert len(access_of("0.0.0.0", 1, "").token) >= 24
    assert access_of("127.0.0.1", 1, "mine").token == "mine"
    hosts = ("127.0.0.1", "::1", "localhost", "127.9.9.9", "0.0.0.0", "10.0.0.1", "x")
    assert [is_loopback(host) for host in hosts] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
    assert address_of(Access("::1", 80, "a b")) == "http://[::1]:80/?token=a%20b"


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_stopped_and_leaves_nothing(
    web_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals
) -> None:
    indexed = tmp_path / "lake"
    shutil.copytree(web_lake.uri, indexed)
    update_index(Lake(str(indexed)))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    command = [sys.executable, "-m", "flows.cli", "browse", "--lake", str(indexed), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        assert "moments for" in httpx.get(f"{address}results?q=telescope", timeout=60).text
        assert list(temporary.glob("videolake-search-*"))
        process.send_signal(stop)
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert list(temporary.glob("videolake-search-*")) == []


def test_a_taken_port_is_named_unless_any_will_do() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}"):
            listen("127.0.0.1", port)
    with listen("127.0.0.1", None) as usual, listen("127.0.0.1", None) as other:
        assert other.getsockname()[1] not in {0, usual.getsockname()[1]}


def test_small_answers_are_sent_at_once() -> None:
    """Without TCP_NODELAY each response waits some 40 ms for the acknowledgement of the packet before."""

    async def at_once() -> bool:
        found = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen("127.0.0.1", 0) as listening:
            async with await asyncio.start_server(connected, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                writer.close()
                return bool(await found)

    # In a thread of its own, since Playwright's loop runs in this one.
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(lambda: asyncio.run(at_once())).result()
