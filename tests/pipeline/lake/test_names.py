import pytest

from pipeline.lake import Lake, find_video
from schemas.errors import LakeError
from tests.pipeline.lake.conftest import copied
from tests.pipeline.lake.lakes import NOON, publish


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("filled") / "lake"))
    publish(lake, "01", ["aaaa1111", "aaaa2222", "bbbb3333"], failed=["bbbb3333"])
    seen = {"uri": "/else/where.mp4", "size_bytes": 1, "mtime_ns": 1, "video_id": "aaaa1111", "seen_at": NOON}
    lake.write_sources(
        "run1", [seen, seen | {"uri": "/b/twin.mp4"}, seen | {"uri": "/a/twin.mp4", "video_id": "aaaa2222"}]
    )
    return lake


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("published") / "lake"))
    publish(lake, "01", ["aaaa1111"])
    return lake


def found(lake: Lake, name: str) -> str:
    video_id = lake.read(lambda connection: find_video(connection, name))
    rows = lake.sql("SELECT video_id FROM find_videos($name)", {"name": name})
    assert rows["video_id"].to_pylist() in ([video_id], [])
    return video_id


@pytest.mark.parametrize(
    "name",
    [
        "aaaa1111",
        "aaaa1",
        "AAAA1",
        "/archive/aaaa1111.mp4",
        "/archive/copies/aaaa1111.mp4",
        "aaaa1111.mp4",
        "/else/where.mp4",
        "where.mp4",
        "where",
    ],
)
def test_a_video_is_found_by_id_prefix_of_id_location_or_file_name(filled: Lake, name: str) -> None:
    assert found(filled, name) == "aaaa1111"


def test_a_video_is_found_by_a_relative_path(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert found(filled, "archive/aaaa1111.mp4") == "aaaa1111"


@pytest.fixture(scope="module")
def stored(request: pytest.FixtureRequest, published: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose video is at this location."""
    lake = copied(published, tmp_path_factory.mktemp("stored") / "lake")
    seen = {"uri": request.param, "size_bytes": 1, "mtime_ns": 1, "video_id": "aaaa1111", "seen_at": NOON}
    lake.write_sources("run1", [seen])
    return lake


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("file:///archive/caf%E9.mp4", "/archive/caf\udce9.mp4"),
        ("file:///archive/caf%E9.mp4", "caf\udce9.mp4"),
        ("file:///archive/caf%E9.mp4", "caf%E9.mp4"),
        ("file:///archive/caf%E9.mp4", "file:///archive/caf%E9.mp4"),
        ("file:///caf%E9/a%20b.mp4", "a b.mp4"),
        ("/archive/cafe\u0301.mp4", "caf\u00e9.mp4"),
        ("/archive/caf\u00e9.mp4", "/archive/cafe\u0301.mp4"),
        ("/archive/-line\nbreak '100%' #?.mp4", "-line\nbreak '100%' #?.mp4"),
    ],
    indirect=["stored"],
)
def test_a_video_is_found_by_any_spelling_of_its_name(stored: Lake, name: str) -> None:
    assert stored.read(lambda connection: find_video(connection, name)) == "aaaa1111"


@pytest.mark.parametrize("name", ["aaaa", "twin.mp4"])
def test_the_error_for_an_ambiguous_name_lists_the_videos(filled: Lake, name: str) -> None:
    with pytest.raises(LakeError, match=r"(?s)may be any of 2 videos.*aaaa1111.*aaaa2222"):
        found(filled, name)


@pytest.mark.parametrize("name", ["cccc", "aaa", "", "'; DROP VIEW videos; --", "nothing.mp4"])
def test_the_error_for_an_unknown_name_says_where_to_look(filled: Lake, name: str) -> None:
    with pytest.raises(LakeError, match="lists them"):
        found(filled, name)
