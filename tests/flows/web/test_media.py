"""The original files: what is sent of them, and what is never sent."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from flows.web.media import Original, find_original, obstacle, parse_range, playable, serve_original
from pipeline.export import NoFile
from pipeline.lake import Lake
from schemas.errors import ErrorKind, MediaError
from tests import material
from tests.flows.web.lakes import BROKEN, CHANGED, GONE, HOSTILE, PASSWD, SECRET, TALK
from tests.pipeline.export.records import VIDEO


@pytest.fixture(scope="module")
def talk(web_lake: Lake) -> bytes:
    return (Path(web_lake.uri).parent / "archive" / "the talk.mp4").read_bytes()


def test_the_whole_file_is_sent_as_media_and_nothing_else(client: TestClient, talk: bytes) -> None:
    answer = client.get(f"/media/{TALK}")
    assert (answer.status_code, answer.content) == (200, talk)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-", 0, None), ("bytes=10-19", 10, 20), ("bytes=-7", -7, None),
                                ("bytes=5-99999999999", 5, None), ("BYTES = 0-0", 0, 1)]
)  # fmt: skip
def test_a_range_is_sent_and_named(client: TestClient, talk: bytes, asked: str, start: int, end: int | None) -> None:
    answer = client.get(f"/media/{TALK}", headers={"range": asked})
    part = talk[start:end]
    first = start % len(talk)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(talk)}"
    assert answer.headers["content-length"] == str(len(part))


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=a-b", "lines=0-1", "bytes=0-1,4-5", "bytes=-", "", "bytes=--1"])
def test_anything_but_a_single_range_gets_the_whole_file(client: TestClient, talk: bytes, asked: str) -> None:
    answer = client.get(f"/media/{TALK}", headers={"range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(talk))


def test_a_range_after_the_end_is_refused_with_the_size(client: TestClient, talk: bytes) -> None:
    for asked in (f"bytes={len(talk)}-", "bytes=-0"):
        answer = client.get(f"/media/{TALK}", headers={"range": asked})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(talk)}")


def test_head_sends_the_headers_of_get(client: TestClient, talk: bytes) -> None:
    whole = client.head(f"/media/{TALK}")
    assert (whole.status_code, whole.headers["content-length"], whole.content) == (200, str(len(talk)), b"")
    part = client.head(f"/media/{TALK}", headers={"range": "bytes=2-5"})
    assert (part.status_code, part.headers["content-length"]) == (206, "4")


def test_a_range_of_another_state_of_the_file_gets_the_whole_file(client: TestClient, talk: bytes) -> None:
    etag = client.head(f"/media/{TALK}").headers["etag"]
    same = client.get(f"/media/{TALK}", headers={"range": "bytes=0-3", "if-range": etag})
    other = client.get(f"/media/{TALK}", headers={"range": "bytes=0-3", "if-range": '"other"'})
    assert (same.status_code, other.status_code, len(other.content)) == (206, 200, len(talk))


@pytest.mark.parametrize(
    ("video", "reason"),
    [(PASSWD, "no media extension"), (SECRET, "not a video or audio file"), (GONE, "no longer at"),
     (HOSTILE, "no longer at"), (CHANGED, "has changed"), (BROKEN, ""), ("..%2f..%2fetc%2fpasswd", "")],
)  # fmt: skip
def test_only_unchanged_media_of_the_lake_is_sent(client: TestClient, video: str, reason: str) -> None:
    answer = client.get(f"/media/{video}")
    assert answer.status_code == 404
    assert reason in answer.text
    assert "root:" not in answer.text
    assert "hunter2" not in answer.text


def test_media_roots_also_hold_against_links_out_of_them(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    film = material.shots_video(outside / "film.mp4", [0.4], size=(64, 48))
    (inside / "link.mp4").symlink_to(film)
    size, roots = film.stat().st_size, (str(inside),)
    for uri in (str(film), str(inside / "link.mp4"), str(inside / ".." / "out" / "film.mp4"), f"file://{film}"):
        found = find_original([uri], size, roots)
        assert isinstance(found, NoFile)
        assert "outside" in found.reason
        assert isinstance(find_original([uri], size), Original)
    (inside / "film.mp4").write_bytes(film.read_bytes())
    assert isinstance(find_original([str(film), str(inside / "film.mp4")], size, roots), Original), "the next place"


def test_originals_on_other_stores_are_streamed_and_chained_uris_are_not(tmp_path: Path) -> None:
    film = material.shots_video(tmp_path / "film.mp4", [0.4], size=(64, 48)).read_bytes()
    fsspec.filesystem("memory").pipe("/films/film.mp4", film)
    found = find_original(["memory://films/film.mp4"], len(film))
    assert isinstance(found, Original)
    fsspec.filesystem("memory").pipe("/films/film.mp4", film)
    anew = find_original(["memory://films/film.mp4"], len(film))
    assert isinstance(anew, Original)
    assert anew.etag != found.etag, "a player must not join parts of two files"
    assert isinstance(find_original(["memory://films/film.mp4"], len(film), ["memory://films"]), Original)
    assert isinstance(find_original(["memory://films/film.mp4"], len(film), ["memory://film"]), NoFile)
    assert isinstance(find_original(["simplecache::memory://films/film.mp4"], len(film)), NoFile)
    assert isinstance(find_original(["nosuch://films/film.mp4"], len(film)), NoFile)
    fsspec.filesystem("memory").pipe("/films/%2e%2e/film.mp4", film)
    sly = "memory://films/%2e%2e/film.mp4"
    assert isinstance(find_original([sly], len(film)), Original)
    assert isinstance(find_original([sly], len(film), ["memory://films"]), NoFile)


def test_a_store_that_did_not_answer_once_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = material.shots_video(tmp_path / "later.mp4", [0.4], size=(64, 48))
    size = film.stat().st_size
    with monkeypatch.context() as patched:
        failing = MediaError(ErrorKind.UNREADABLE, "The network is down.", stage="probe")
        patched.setattr("flows.web.media.probe", Mock(side_effect=failing))
        assert find_original([str(film)], size) == NoFile("The network is down.")
    assert isinstance(find_original([str(film)], size), Original)


def test_formats_that_browsers_do_not_play_are_named() -> None:
    assert "Browsers do not play .avi" in playable("avi", "h264")
    assert "mpeg2video" in playable("mkv", "mpeg2video")
    assert playable("mp4", "h264") == playable("flac", None) == ""


def test_a_page_says_where_the_times_of_the_player_are_not_its_own() -> None:
    row = {"uri": "/radio.mp3", "video_codec": None, "container": "mp3", "stated_duration_s": 60.0, "clock_jumps": 0}

    def shown(**columns: object) -> str:
        return obstacle(replace(VIDEO, row=row | columns))

    assert not shown()
    assert "only roughly" in shown(stated_duration_s=None)
    assert not shown(stated_duration_s=None, clock_jumps=None), "an older lake does not know"
    assert "clock of this file jumps" in shown(clock_jumps=1)


@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,20}-\d{0,20}", fullmatch=True), st.integers(0, 10**13))
def test_any_range_is_whole_ignored_or_inside_the_file(header: str, size_bytes: int) -> None:
    span = parse_range(header, size_bytes)
    assert span is None or span == (0, 0) or 0 <= span[0] < span[1] <= size_bytes


def test_a_part_of_an_original_on_another_store_is_sent() -> None:
    fsspec.filesystem("memory").pipe("/films/bytes.mp4", bytes(range(200)) * 5000)
    original = Original("memory://films/bytes.mp4", 1_000_000, "", "video/mp4")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        answer = serve_original(original, request.headers.get("range"), None, head=False)
        await answer(scope, receive, send)

    answer = TestClient(app).get("/", headers={"range": "bytes=400150-700149"})
    assert (answer.status_code, len(answer.content), answer.content[:3]) == (206, 300_000, bytes([150, 151, 152]))
