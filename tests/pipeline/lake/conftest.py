import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.lake.store import Store
from tests.nightly import nightly
from tests.pipeline.lake.lakes import publish
from tests.s3 import without_s3fs

ON_OBJECT_STORES_AT_NIGHT = pytest.mark.parametrize("any_folder", ["disk", nightly("object store")], indirect=True)
"""For tests of `any_folder` and `any_lake` whose subject does not know where the lake is."""


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip what only a power cut could tell."""
    monkeypatch.setattr("pipeline.lake.store._flush", lambda path: None)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(str(tmp_path / "lake"))


@pytest.fixture(scope="module", params=["disk", pytest.param("object store", marks=pytest.mark.s3)])
def any_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder on either kind of store, for all tests of a file: a new client of S3 takes long to make."""
    disk = request.param == "disk"
    return str(tmp_path_factory.mktemp("any") if disk else request.getfixturevalue("shared_bucket"))


@pytest.fixture
def any_lake(any_folder: str) -> Lake:
    return Lake.create(new_folder(any_folder))


def new_folder(any_folder: str) -> str:
    """Return where a lake of its own can be."""
    return f"{any_folder}/{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def three_commits(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of three commits of a video each. Tests take copies of it."""
    lake = Lake.create(str(tmp_path_factory.mktemp("three") / "lake"))
    for number in range(3):
        publish(lake, f"0{number}", [f"v{number}"])
    return lake


@pytest.fixture
def three(three_commits: Lake, tmp_path: Path) -> Lake:
    """A copy of that lake, to change it."""
    return copied(three_commits, tmp_path / "three")


@pytest.fixture
def any_three(three_commits: Lake, any_folder: str) -> Lake:
    """The same on either kind of store."""
    return copied(three_commits, new_folder(any_folder))


@pytest.fixture(params=["s3fs", "arrow"])
def s3_uri(request: pytest.FixtureRequest, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A location on a real S3 server, reached through one of two clients."""
    if request.param == "arrow":
        without_s3fs(monkeypatch)
    return f"{s3_bucket}/lake"


class Killed(BaseException):
    """Stands for `kill -9` between two steps on disk: nothing may catch it."""


Change = Callable[[Store, str, str], None]
"""Called before a change on disk, with its kind and its place in the lake."""


@contextmanager
def _before_each_change(patch: pytest.MonkeyPatch, before: Change) -> Iterator[None]:
    def watched(change: str) -> Callable[..., object]:
        original = getattr(Store, change)

        def changed(store: Store, relative: str, *more: object) -> object:
            before(store, change, relative)
            return original(store, relative, *more)

        return changed

    with patch.context() as patched:
        for change in ("publish", "write_new", "move", "remove", "remove_folder"):
            patched.setattr(Store, change, watched(change))
        yield


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object], int], bool]:
    """Return a function that runs an action and kills it after so many changes on disk; True if it was killed."""

    def act(action: Callable[[], object], changes: int) -> bool:
        left = changes

        def count(store: Store, change: str, relative: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                if change == "remove_folder" and (inside := store.tree(relative)):
                    store.filesystem.rm_file(store.path(f"{relative}/{inside[0]}"))
                raise Killed

        with _before_each_change(monkeypatch, count):
            try:
                action()
            except Killed:
                return True
        return False

    return act


@pytest.fixture
def kill_moments(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Lake, Callable[[Lake], object]], list[int]]:
    """Return a function that tells after how many changes to kill an action, which it tries on a copy of the lake.

    Changes of one kind that follow each other, such as the files of one commit, are alike. So there is one moment for
    each two kinds that meet, and the first one: every kind is about to happen at some moment, and has happened at one.
    """

    def moments(lake: Lake, action: Callable[[Lake], object]) -> list[int]:
        kinds: list[tuple[str, str]] = [("", "")]

        def note(_: Store, change: str, relative: str) -> None:
            folder = relative.partition("/")[0]
            kinds.append((change, folder if folder.startswith("_") else "a table"))

        tried = copied(lake, tmp_path / "tried")
        with _before_each_change(monkeypatch, note):
            action(tried)
        first = {pair: changes for changes, pair in reversed([*enumerate(pairwise(kinds))])}
        return sorted(first.values())

    return moments


def copied(lake: Lake, to: Path | str) -> Lake:
    """Copy a lake on disk to a folder, or to an object store."""
    if Store(str(to)).local:
        shutil.copytree(lake.uri, to)
    else:
        for path in lake._store.tree(""):
            Store(str(to)).write(path, lake._store.read(path))
    return Lake(str(to))
