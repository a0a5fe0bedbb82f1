"""Ids of videos: the same content is the same video, and two contents never are, however large the files."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run import digest
from pipeline.run.digest import Unread, content_digest, digest_files
from pipeline.run.identity import Identities
from pipeline.run.known import Content, KnownFiles
from pipeline.run.listing import list_archive
from schemas.config import ArchiveConfig
from schemas.records import ArchiveItem

AUTO = ArchiveConfig()
COLUMNS = {
    "uri": pa.string(), "size_bytes": pa.int64(), "mtime_ns": pa.int64(), "etag": pa.string(),
    "video_id": pa.string(), "digest": pa.string(), "seen_at": pa.timestamp("us"), "missing_since": pa.timestamp("us"),
}  # fmt: skip
LARGE = digest.SMALL_BYTES + 1
SECOND = 1_000_000_000


class Runs:
    """What runs over a folder find and remember. It stands in for flow and lake: the files and digests are real."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: dict[str, dict[str, object]] = {}
        self.analysed: set[str] = set()
        self.forgotten_whole: set[str] = set()
        self.reads: list[Unread] = []

    def run(self, config: ArchiveConfig = AUTO) -> dict[str, str]:
        """Return the id of each file, by name."""
        self.reads = []
        rows = {name: pa.array([row[name] for row in self.sources.values()], kind) for name, kind in COLUMNS.items()}
        known = KnownFiles(pa.table(rows), lambda: self.analysed, self.forgotten_whole)
        identities = Identities(known, config, self._digests)
        items = list(list_archive([str(self.folder)], config))
        found = {item.uri: content for item in items if (content := identities.without_reading(item))}
        unread = [item for item in items if item.uri not in found]
        wanted = [read for item in unread for read in identities.reads(item)]
        digests = next(self._digests([wanted]))
        for item, content in zip(unread, identities.contents(unread, digests), strict=True):
            assert content is not None
            found[item.uri] = content
        for item in items:
            self.remember(item, found[item.uri])
        return {Path(uri).name: content.video_id for uri, content in found.items()}

    def remember(self, item: ArchiveItem, content: Content) -> None:
        """Write down what a location holds, as a run does."""
        values = (item.uri, item.size_bytes, item.mtime_ns, item.etag, content.video_id, content.method, None, None)
        self.analysed.add(content.video_id)
        self.sources[item.uri] = dict(zip(COLUMNS, values, strict=True))

    def read_whole(self) -> set[str]:
        """Return the names of the files that the last run read whole."""
        return {Path(read.uri).name for read in self.reads if read.method == "full"}

    def _digests(self, chunks: Iterable[Sequence[Unread]]) -> Iterator[list[str | None]]:
        for chunk in chunks:
            self.reads.extend(chunk)
            yield digest_files(chunk)


def edit(path: Path, at: int, data: bytes) -> None:
    """Change a file in place. Its time always changes, however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
    os.utime(path, ns=(before, before + SECOND + 12_345))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """An archive with one large file; the file is sparse, so it takes no space."""
    (tmp_path / "archive").mkdir()
    with (tmp_path / "archive" / "a.mp4").open("wb") as file:
        file.truncate(LARGE)
    return Runs(tmp_path / "archive")


def test_of_a_large_file_only_samples_are_read(runs: Runs) -> None:
    runs.run()
    assert [read.read_bytes for read in runs.reads] == [4 * 1024**2]
    runs.run()
    assert runs.reads == []


def test_a_file_that_was_edited_in_its_middle_is_another_video(runs: Runs) -> None:
    before = runs.run()
    edit(runs.folder / "a.mp4", LARGE // 2, b"changed")
    after = runs.run()
    assert after != before
    edit(runs.folder / "a.mp4", LARGE // 2, b"chanGed")
    again = runs.run()
    assert again != after
    edit(runs.folder / "a.mp4", LARGE // 2, b"chanGed")
    assert runs.run() == again, "only its time changed, and all its bytes are known"


def test_files_that_differ_only_between_the_samples_are_different_videos(runs: Runs) -> None:
    for name in ("b.mp4", "c.mp4"):
        shutil.copy2(runs.folder / "a.mp4", runs.folder / name)
        edit(runs.folder / name, LARGE // 2, name.encode())
    shutil.copyfile(runs.folder / "b.mp4", runs.folder / "d.mp4")
    found = runs.run()
    assert len(set(found.values())) == 3
    assert found["b.mp4"] == found["d.mp4"]


def test_copies_are_one_video(runs: Runs) -> None:
    shutil.copyfile(runs.folder / "a.mp4", runs.folder / "b.mp4")
    edit(runs.folder / "b.mp4", 0, b"")
    first = runs.run()
    assert first["a.mp4"] == first["b.mp4"]
    assert runs.read_whole() == {"a.mp4", "b.mp4"}, "their times differ, so all bytes are compared"
    shutil.copy2(runs.folder / "b.mp4", runs.folder / "c.mp4")
    assert runs.run()["c.mp4"] == first["a.mp4"]
    assert runs.read_whole() == set(), "the time of c is that of b, to the nanosecond"


def test_the_samples_of_a_video_whose_file_was_replaced_are_not_taken_for_it(runs: Runs) -> None:
    before = runs.run()
    (runs.folder / "a.mp4").write_bytes(b"small")
    runs.run()
    with (runs.folder / "b.mp4").open("wb") as file:
        file.truncate(LARGE)
    edit(runs.folder / "b.mp4", LARGE // 2, b"changed")
    assert runs.run()["b.mp4"] != before["a.mp4"]


@pytest.mark.parametrize("mtime_ns", [1_700_000_000_123_456_789, 1_700_000_000 * SECOND])
def test_a_file_that_was_moved_is_the_same_video(runs: Runs, mtime_ns: int) -> None:
    os.utime(runs.folder / "a.mp4", ns=(mtime_ns, mtime_ns))
    before = runs.run()
    (runs.folder / "a.mp4").rename(runs.folder / "b.mp4")
    assert runs.run()["b.mp4"] == before["a.mp4"]


def test_ids_of_earlier_versions_are_kept(runs: Runs) -> None:
    path = runs.folder / "a.mp4"
    whole = content_digest(str(path), LARGE, ArchiveConfig(digest="full"))
    state = path.stat()
    runs.remember(ArchiveItem(str(path), LARGE, state.st_mtime_ns), Content(whole, "full"))
    runs.sources[str(path)]["digest"] = None
    assert runs.run() == {"a.mp4": whole}
    assert runs.reads == []
    path.rename(runs.folder / "b.mp4")
    edit(runs.folder / "b.mp4", 0, b"")
    assert runs.run() == {"b.mp4": whole}, "moved, and with another time"


def test_an_etag_of_s3_recognises_a_copy_and_one_of_the_web_does_not() -> None:
    etag = "0123456789abcdef0123456789abcdef-12"
    old = [("s3://b/a.mp4", etag, "5" * 32), ("https://h/b.mp4", etag.replace("1", "2"), "6" * 32)]
    rows = [
        dict(zip(COLUMNS, (uri, LARGE, 7, tag, name, "sampled", None, None), strict=True)) for uri, tag, name in old
    ]
    identities = Identities(KnownFiles(pa.Table.from_pylist(rows, pa.schema(COLUMNS)), tuple), AUTO, lambda _: iter(()))

    def known(uri: str, mtime_ns: int, etag: str | None, size_bytes: int = LARGE) -> bool:
        return identities.without_reading(ArchiveItem(uri, size_bytes, mtime_ns, etag=etag)) is not None

    assert known("s3://other/copy.mp4", 9, etag)
    assert not known("s3://other/copy.mp4", 9, etag, LARGE + 1)
    assert not known("s3://other/copy.mp4", 9, etag[:-2] + "13")
    assert not known("https://h/copy.mp4", 9, etag.replace("1", "2"))
    assert known("https://h/b.mp4", 0, etag.replace("1", "2")), "the same version of the same URL"
    assert not known("https://h/b.mp4", 7, "other")
    assert known("https://h/b.mp4", 7, None), "its time is the same, and it states no ETag any more"
    assert not known("https://h/b.mp4", 0, None)


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(("create", "copy", "copy2", "move", "edit", "edit", "touch", "remove")),
        st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)]),
        st.integers(0, 63),
        st.booleans(),
    ),
    min_size=3,
    max_size=8,
)


@given(OPERATIONS)
def test_whatever_happens_to_files_two_contents_never_share_an_id(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, tuple[int, int], int, bool]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Files of 64 bytes are large, and 16 of their bytes are sampled.
        patch.setattr(digest, "SMALL_BYTES", 32)
        patch.setattr(digest, "_CHUNK_BYTES", 4)
        patch.setattr("pipeline.run.known.SAMPLED_BYTES", 16)
        runs = Runs(tmp_path_factory.mktemp("archive"))
        contents: dict[str, bytes] = {}
        start: tuple[str, tuple[int, int], int, bool] = ("create", (0, 0), 0, True)
        for clock, (operation, numbers, at, then_run) in enumerate([start, *operations]):
            source, target = (runs.folder / f"{number}.mp4" for number in numbers)
            change(operation, source, target, at, time_ns=(clock + 1) * SECOND + clock % 2)
            if then_run:
                for name, video_id in runs.run().items():
                    content = (runs.folder / name).read_bytes()
                    assert contents.setdefault(video_id, content) == content


def change(operation: str, source: Path, target: Path, at: int, time_ns: int) -> None:
    """Do something to files, as a user does it."""
    changed = target
    if operation == "create":
        target.write_bytes(bytes(64))
    elif not source.exists() or (source == target and operation in {"copy", "copy2", "move"}):
        return
    elif operation == "copy":
        shutil.copyfile(source, target)
    elif operation == "copy2":
        shutil.copy2(source, target)
        return
    elif operation == "move":
        source.rename(target)
        return
    elif operation == "remove":
        source.unlink()
        return
    else:
        changed = source
        if operation == "edit":
            content = source.read_bytes()
            source.write_bytes(content[:at] + bytes([content[at] + 1]) + content[at + 1 :])
    os.utime(changed, ns=(time_ns, time_ns))


def test_a_forgotten_video_keeps_its_id_though_the_lake_knows_nothing_else_of_it(runs: Runs) -> None:
    def forget() -> None:
        runs.sources.clear()
        runs.analysed.clear()

    sampled = runs.run()
    forget()
    assert (runs.run(), runs.read_whole()) == (sampled, set())
    forget()
    whole = runs.run(ArchiveConfig(digest="full"))
    assert whole != sampled
    forget()
    runs.forgotten_whole.update(whole.values())
    assert runs.run() == whole
