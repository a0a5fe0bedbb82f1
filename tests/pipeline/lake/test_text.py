import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lake.text import file_name


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("file:///caf%E9/a%20b.mp4", "a b.mp4"),
        ("file:///archive/caf%E9.mp4", "caf%E9.mp4"),
        ("/archive/100%20.mp4", "100%20.mp4"),
        ("/archive/The talk.mp4", "The talk.mp4"),
        ("talk.mp4", "talk.mp4"),
        ("s3://bucket/a/talk #1?.mp4", "talk #1?.mp4"),
        ("https://host/a/talk.mp4?token=1/2#t", "talk.mp4"),
        ("s3://bucket/lake/", "lake"),
        ("C:\\films\\talk.mp4", "talk.mp4"),
        ("/archive/back\\slash.mp4", "back\\slash.mp4"),
        ("/archive/\udcff.mp4", "?.mp4"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_a_file_name_is_the_last_part_of_its_location(uri: str, name: str) -> None:
    assert file_name(uri) == name


@given(st.text(st.characters(), max_size=30))
def test_a_name_can_always_be_written(uri: str) -> None:
    assert bool(file_name(uri)) == bool(uri)
    file_name(uri).encode()
