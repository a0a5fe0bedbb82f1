"""What the page on SQL shows can be asked."""

import re
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.lake.moment_views import MOMENT_VIEWS
from schemas.corrections import Correction, Span
from schemas.errors import LakeError
from schemas.records import StageState
from tests.pipeline.lake.lakes import NOON, publish, task

PAGE = (Path(__file__).parent.parent / "docs" / "sql.md").read_text(encoding="utf-8")
KINDS = [
    "chapter", "file chapter", "scene", "shot", "speech", "subtitle", "sound", "screen", "caption", "object", "frame",
]  # fmt: skip
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.create(str(tmp_path_factory.mktemp("sql") / "lake"))
    publish(
        made, "01", ["v01", "v02", "v03", "v04"], incomplete=["v02"], stages=(StageState("sound", "0123456789abcdef"),)
    )
    there = {"size_bytes": 1, "mtime_ns": 1, "seen_at": NOON}
    missing = [there | {"uri": uri, "video_id": "v03", "missing_since": NOON} for uri in task("v03").uris]
    replaced = [there | {"uri": uri, "video_id": "v02"} for uri in task("v04").uris]
    made.write_sources("run", [*missing, *replaced])
    made.write_corrections([Correction("c1", "v01", "text", Span(1.0, 2.0), (), "a", "b", "Ann", NOON)])
    return made


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES)
def test_every_query_of_the_page_returns_rows(lake: Lake, query: str) -> None:
    asked = query.replace("talk.mp4", "v01.mp4").replace("telescope", "sentence").replace("angela merkel", "ann lee")
    assert lake.sql(asked).num_rows > 0


def test_the_page_names_every_view_with_its_columns(lake: Lake) -> None:
    for view in MOMENT_VIEWS:
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{view}` |")]
        columns = set(lake.sql(f"FROM {view}").column_names) - {"shard"}
        assert set(re.findall(r"`(\w+)`", row.split("|")[3])) == columns


def test_the_page_names_every_macro(lake: Lake) -> None:
    found = lake.sql("SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal")
    named = {line.split("`")[1].split("(")[0] for line in PAGE.splitlines() if re.match(r"\| `\w+\(", line)}
    assert named == set(found["function_name"].to_pylist())


@pytest.mark.parametrize("name", ["v01", "v01.mp4", "/archive/v01.mp4", "/archive/copies/v01.mp4"])
def test_a_video_goes_by_its_id_its_path_and_its_file_name(lake: Lake, name: str) -> None:
    assert lake.sql(f"SELECT video_id FROM find_videos('{name}')")["video_id"].to_pylist() == ["v01"]


@pytest.mark.parametrize("macro", ["transcript({})", "at({}, 1.0)", "named_video({})"])
def test_a_macro_about_a_video_that_is_not_there_says_so_and_names_others(lake: Lake, macro: str) -> None:
    for query in ("FROM {}", "SELECT count(*) FROM {}", "SELECT * FROM {} WHERE false OR video_id > ''"):
        with pytest.raises(
            LakeError, match=r"^There is no video nope in the lake\. Nearest names: v0\d\.mp4, .*lists them"
        ):
            lake.sql(query.format(macro.format("'nope'")))
    with pytest.raises(LakeError, match=r"^There is no video\b"):
        lake.sql(f"FROM {macro.format('NULL')}")
    assert lake.sql(f"FROM {macro.format(chr(39) + 'v01' + chr(39))}").num_rows > 0
    assert lake.sql("FROM find_videos('nope')").num_rows == 0


def test_rows_at_a_second_come_from_the_whole_to_the_part(lake: Lake) -> None:
    kinds = lake.sql("SELECT kind, start_s FROM at('v01', 11.0)").to_pylist()
    assert [row["kind"] for row in kinds] == KINDS
    assert lake.sql("FROM at('v01', 1000)").num_rows == 0


def test_text_that_stays_on_screen_is_one_moment_and_each_keyframe_is_one(lake: Lake) -> None:
    rows = lake.sql(
        "SELECT kind, start_s, end_s FROM moments WHERE video_id = 'v01' ORDER BY kind, start_s"
    ).to_pylist()
    spans = {
        kind: [(row["start_s"], row["end_s"]) for row in rows if row["kind"] == kind] for kind in ("screen", "frame")
    }
    assert spans == {"screen": [(0.0, 30.0)], "frame": [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0)]}


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0:00"), (59.6, "1:00"), (83, "1:23"), (3599.7, "1:00:00"), (3725, "1:02:05")]
)
def test_times_are_written_as_on_a_clock(lake: Lake, seconds: float, written: str) -> None:
    assert lake.sql(f"SELECT clock({seconds}) AS time")["time"].to_pylist() == [written]
