"""`videolake audit` as people use it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main
from pipeline.lake import Lake
from tests.pipeline.lake.lakes import publish


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = Lake.create(str(tmp_path_factory.mktemp("audit") / "lake"))
    publish(made, "01", [f"v0{number}" for number in range(6)], failed={"v05"})
    return made.uri


def call(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["audit", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.mark.slow
def test_groups_by_a_column_or_by_a_file_are_compared(lake: str, tmp_path: Path) -> None:
    code, said = call("--lake", lake, "--by", "video_id >= 'v03'", "--min-videos", 2)
    assert code == 0, said
    assert "failed" in said
    assert "within chance" in said
    groups = tmp_path / "groups.csv"
    groups.write_text("video,group\n" + "".join(f"v0{number},{number % 2}\n" for number in range(6)))
    references = tmp_path / "said.csv"
    spoken = " ".join(f"Sentence {number} of v00." for number in range(3))
    references.write_text(f'video,text\nv00,"{spoken}"\nv01,something else\nv02,Sentence\nv03,x\n')
    code, said = call(
        "--lake", lake, "--groups", groups, "--references", references, "--min-videos", 2, "--json",
    )  # fmt: skip
    assert code == 0, said
    errors = next(each for each in json.loads(said) if each["measure"] == "word_error_rate")
    assert {score["group"]: score["videos"] for score in errors["groups"]} == {"0": 2, "1": 2}


@pytest.mark.slow
def test_what_cannot_be_grouped_is_an_error_that_says_why(lake: str, tmp_path: Path) -> None:
    assert call("--lake", lake)[0] == 2
    assert call("--lake", lake, "--by", "nothing")[0] == 1
    assert call("--lake", lake, "--by", "1); DROP TABLE videos; --")[0] == 1
    (tmp_path / "g.csv").write_text("video,kind\nv00,x\n")
    code, said = call("--lake", lake, "--groups", tmp_path / "g.csv")
    assert (code, "no column `group`" in said) == (2, True)
    assert "at least two groups" in call("--lake", lake, "--by", "status", "--min-videos", 50)[1]
