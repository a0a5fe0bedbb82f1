from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline import Lake
from pipeline.analysis.keyframes.images import thumbnail
from pipeline.lake import Origin, video_tables
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis, publish, task

pytestmark = pytest.mark.slow

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def tags(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


@pytest.fixture
def hostile(tmp_path: Path) -> Lake:
    """A lake in which every text is an attack."""
    lake = Lake.create(str(tmp_path / "<b>lake"))
    made = analysis("v01")
    jpeg = thumbnail(np.full((20, 30, 3), 90, np.uint8), 30, 80)
    said = tuple(replace(each, text=EVIL, speaker=EVIL) for each in made.transcript.utterances)
    summary = replace(
        made.summary,
        headline=EVIL,
        sentences=tuple(replace(each, text=EVIL) for each in made.summary.sentences),
        chapters=tuple(replace(each, title=EVIL) for each in made.summary.chapters),
    )
    made = replace(
        made,
        keyframes=tuple(replace(each, thumbnail=jpeg) for each in made.keyframes),
        transcript=replace(made.transcript, utterances=said, language=EVIL),
        summary=summary,
        info=replace(made.info, video=replace(made.info.video, codec=EVIL)),
    )
    named = replace(task("v01"), uris=(f"/archive/{EVIL}.mp4",))
    encoders = {"text": TEXT, "vision": VISION, "coordinated": COORDINATED}
    lake.stage(
        "01", "v01", video_tables(named, made, Origin(revision=REVISION, shard="01", committed_at=NOON, **encoders))
    )
    lake.commit("01", REVISION)
    return lake


def test_no_text_of_a_lake_can_inject_markup_into_a_notebook(hostile: Lake) -> None:
    hit = {"uri": EVIL, "start_s": 1.0, "end_s": 2.0, "text": EVIL, "frame_id": "v01-f00000"}
    for page in (hostile, hostile.show("v01"), hostile.show(pa.Table.from_pylist([hit]))):
        found = tags(page._repr_html_())
        assert found.names <= {
            "b", "br", "code", "details", "div", "h3", "img", "li", "p", "summary", "table", "td", "tr", "ul", "abbr",
        }  # fmt: skip
        assert found.attributes <= {"alt", "src", "style", "title"}
        assert "<script>alert(1)</script>" in found.text


def test_a_lake_shows_its_counts_and_newest_videos(hostile: Lake) -> None:
    html = hostile._repr_html_()
    assert html.count("data:image/jpeg;base64,") == 1
    assert "<td>3</td>" in html


def test_a_thumbnail_that_is_not_a_jpeg_is_not_shown(lake: Lake) -> None:
    publish(lake, "01", ["v001", "v002"], failed=["v002"])
    assert "<img" not in lake._repr_html_() + lake.show("v001")._repr_html_()
    assert "v002 is broken." in lake.show("v002")._repr_html_()


def test_an_empty_lake_is_shown(lake: Lake) -> None:
    assert "<td>0</td>" in lake._repr_html_()
