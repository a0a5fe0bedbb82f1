import os
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.locations import local_path, location_of, own_path

NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in {b".", b".."}
)


@given(NAMES)
@example("café.mp4".encode("latin-1"))
@example(b"100%E9 \xe9?#[1].mp4")
@example(b"line\nbreak\xff\t.mp4")
@example(b"caf%E9.mp4")
@example("e\u0301\U0001f600.mp4".encode())
def test_any_name_has_a_location_in_utf8_that_leads_back_to_it(name: bytes) -> None:
    path = os.fsdecode(b"/archive/" + name)
    location = location_of(path)
    location.encode()
    assert local_path(location) == Path(path)
    assert location_of(location) == location


def test_a_name_that_is_text_stays_as_it_is() -> None:
    assert location_of("/archive/100% é 😀\n?#.mp4") == "/archive/100% é 😀\n?#.mp4"
    assert location_of("/archive/日本 \udce9.mp4") == "file:///archive/日本%20%E9.mp4"


def test_other_stores_have_no_local_path() -> None:
    assert local_path("s3://bucket/a.mp4") is None
    assert local_path("file://localhost/a%20b.mp4") == Path("/a b.mp4")


def test_the_parent_of_a_linked_folder_is_that_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "far" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "inner")
    assert own_path(tmp_path / "link" / "a.mp4") == str(tmp_path / "link" / "a.mp4")
    assert own_path(tmp_path / "link" / ".." / "a.mp4") == str(tmp_path.resolve() / "far" / "a.mp4")
