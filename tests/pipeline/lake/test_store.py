"""The files of a lake on a store that is slow, refuses requests and drops connections."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from pipeline.lake import Lake
from pipeline.lake.store import Store
from pipeline.remote import requests
from schemas.errors import LakeError
from tests.pipeline.lake.lakes import contents, publish
from tests.s3 import Fault, FaultProxy, Request, first, without_s3fs

CONTENT = bytes(range(256)) * 4
FAULTS = [fault for fault in Fault if fault is not Fault.IGNORED_CONDITION]


def put(store: Store) -> None:
    with store.publish("table/put") as path:
        path.write_bytes(CONTENT)


def read_openly(store: Store) -> None:
    with store.open("table/file") as file:
        file.seek(1)
        assert file.read(10) == CONTENT[1:11]
        assert file.read() == CONTENT[11:]


def test_a_folder_that_may_not_be_read_is_an_error_of_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: LocalFileSystem, path: str, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(LocalFileSystem, "info", denied)
    with pytest.raises(LakeError, match=r"Cannot look for _videolake\.json in the lake .*: Permission denied"):
        Lake.create(str(tmp_path / "lake"))
    with pytest.raises(LakeError, match="Permission denied"), Lake.preview(str(tmp_path / "lake")):
        pass


ACTIONS: dict[str, Callable[[Store], object]] = {
    "list": lambda store: store.names("table"),
    "list all": lambda store: store.tree(""),
    "read": lambda store: store.read("table/file"),
    "open": read_openly,
    "put": put,
    "write": lambda store: store.write("table/written", CONTENT),
    "create": lambda store: store.conditional and store.create("table/created", CONTENT),
    "remove": lambda store: store.remove("table/written"),
    "remove all": lambda store: store.remove_folder("old"),
}


@pytest.fixture(params=["s3fs", "arrow"])
def store(
    request: pytest.FixtureRequest, faulty_bucket: tuple[str, FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> Store:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # the client gives up at once, so that our own retries are seen
    if request.param == "arrow":
        without_s3fs(monkeypatch)
    else:
        monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    store = Store(f"{faulty_bucket[0]}/lake")
    store.write("table/file", CONTENT)
    store.write("old/one", b"1")
    store.write("old/two", b"2")
    return store


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_FIRST_DELAY_S", 0.001)


@pytest.mark.parametrize("fault", FAULTS)
def test_requests_that_fail_a_few_times_are_repeated(
    store: Store, faulty_bucket: tuple[str, FaultProxy], fault: Fault
) -> None:
    for action in ACTIONS.values():
        with faulty_bucket[1].failing(first(2, fault, lambda request: request.verb != "HEAD")):
            action(store)
    assert store.names("table") == ["created", "file", "put"] if store.conditional else ["file", "put"]
    assert store.read("table/put") == CONTENT
    assert store.tree("old") == []


@pytest.mark.parametrize("name", ACTIONS)
def test_a_store_that_is_out_of_reach_gives_an_error_that_names_the_lake_and_what_was_tried(
    store: Store, faulty_bucket: tuple[str, FaultProxy], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(requests, "PATIENCE_S", 0.05)
    if not store.conditional and name != "list all":
        return  # Arrow's client tries for 6 s, whatever it is told
    doing = name.split(maxsplit=1)[0].replace("open", "read").replace("put", "write").replace("create", "write")
    with (
        faulty_bucket[1].failing(lambda request: Fault.INTERNAL_ERROR),
        pytest.raises(LakeError, match=rf"Cannot {doing} .*in the lake {store.uri}: .*[Cc]heck the credentials"),
    ):
        ACTIONS[name](store)


def test_a_file_that_does_not_exist_is_not_asked_for_again(store: Store, faulty_bucket: tuple[str, FaultProxy]) -> None:
    before = faulty_bucket[1].requests.total()
    for action in (lambda: store.read("none"), lambda: store.open("none"), lambda: store.size("none")):
        with pytest.raises(FileNotFoundError):
            action()
    assert not store.exists("none")
    store.remove("none")
    store.remove_folder("none")
    assert store.names("none") == store.tree("none") == []
    assert faulty_bucket[1].requests.total() - before < 20


def test_missing_credentials_are_an_error_that_says_so(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(LakeError, match=r"[Uu]nable to locate credentials.*Check the credentials"):
        Store(f"{s3_bucket}/lake").names()


def test_a_small_file_is_written_with_one_request(store: Store, faulty_bucket: tuple[str, FaultProxy]) -> None:
    proxy = faulty_bucket[1]
    proxy.requests.clear()
    put(store)
    store.write("table/written", CONTENT)
    assert dict(proxy.requests) == {"PUT": 2}


def test_a_missing_package_is_named_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without_s3fs(monkeypatch)
    with pytest.raises(LakeError, match=r"pip install 'videolake\[azure\]'"):
        Store("az://container/lake")


def test_local_disks_are_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    store = Store(str(tmp_path))

    def broken(path: str) -> None:
        asked.append(path)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store.filesystem, "cat_file", broken)
    with contextlib.suppress(OSError):
        store.read("file")
    assert len(asked) == 1


def test_a_cut_response_is_never_taken_for_a_short_file(store: Store, faulty_bucket: tuple[str, FaultProxy]) -> None:
    def cut(request: Request) -> Fault | None:
        return Fault.CUT_RESPONSE if request.verb == "GET" and request.number % 2 else None

    with faulty_bucket[1].failing(cut), store.open("table/file") as file:
        pieces = []
        while piece := file.read(100):
            pieces.append(piece)
    assert b"".join(pieces) == CONTENT


def test_each_client_sees_what_the_other_one_wrote(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"{s3_bucket}/lake"
    lake = Lake.create(uri)
    publish(lake, "01", ["v01", "v02"], failed=["v02"])
    with monkeypatch.context() as patch:
        without_s3fs(patch)
        arrow = Lake(uri)
        assert not arrow._store.conditional
        publish(arrow, "02", ["v02"], minutes=1)
        before = contents(arrow)
        arrow.clean()
        arrow.compact()
        assert contents(arrow) == before
    assert contents(lake) == before
    assert [row["video_id"] for row in before["videos"]] == ["v01", "v02"]
