"""Every command, page and notebook view on lakes at the edges: an answer, or one line that says what is wrong."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from starlette.testclient import TestClient

from flows.cli import main
from flows.web.app import make_app
from pipeline import Lake
from pipeline.lake.views import VIEW_NAMES
from pipeline.search import Searcher
from schemas.errors import LakeError
from tests.pipeline.lake.degenerate import KINDS

pytestmark = pytest.mark.slow
MakeLake = Callable[[str], Lake]
COMMANDS = [
    "search sentence --format json", "search --like v01@0", "search --image PICTURE", "explain sentence v01@1",
    "duplicates", "show v01", "show v02", "report -o OUT/l.html", "export --all --format otio -o OUT/all",
    "clip v01@0-1 v02@0-1 -o OUT/clips",
]  # fmt: skip
MORE_COMMANDS = [
    'search "sentence 0" --format csv', "search sentence --kind frame --topic cycling", "report v01 -o OUT/v.html",
    *[f"export --all --format {form} -o OUT/all" for form in ("vtt", "youtube", "ffmetadata", "edl")],
    "audit --by language --min-videos 1", "bert finetune EXAMPLES -o OUT/bert", "train-fusion -o OUT/fusion",
    "index", "compact",
]  # fmt: skip
"""Asked of the lake with the least in it."""


@pytest.fixture(scope="module")
def make_lake(tmp_path_factory: pytest.TempPathFactory) -> MakeLake:
    """Return a function that makes a lake of a kind, each once."""
    made: dict[str, Lake] = {}

    def make(kind: str) -> Lake:
        if kind not in made:
            folder = tmp_path_factory.mktemp("degenerate")
            KINDS[kind](Lake.create(str(folder / "made")))
            (folder / "made").rename(folder / "lake")  # a place of which nobody remembers what was made older
            made[kind] = Lake(str(folder / "lake"))
        return made[kind]

    return make


def videolake(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def check_ending(done: Result) -> None:
    """Check that a command ended as documented, and that what is wrong is said in lines of ours."""
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert done.exit_code in {0, 1, 2, 3}
    assert "Traceback" not in done.stderr
    if done.exit_code in {1, 2}:
        lines = [line for line in done.stderr.split("\n") if line and not line.startswith("  ")]
        assert len(lines) == 1, lines
        line = lines[0]
        assert re.match("error: .+[.)`]$", line), line


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_works_or_says_in_a_line_what_is_wrong(make_lake: MakeLake, kind: str, tmp_path: Path) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "picture.png")
    (tmp_path / "examples.csv").write_text("utterance_id,label\nv01-u00000,a\n")
    names = {"PICTURE": str(tmp_path / "picture.png"), "EXAMPLES": str(tmp_path / "examples.csv")}
    lake = make_lake(kind)
    for command in (*COMMANDS, *(MORE_COMMANDS if kind == "hardly anything" else ())):
        words = [names.get(word, word.replace("OUT", str(tmp_path))) for word in shlex.split(command)]
        done = videolake(*words, "--lake", lake.uri)
        check_ending(done)
        if words[0] in {"show", "search", "duplicates", "clip", "explain"} and "csv" not in words:
            assert not re.search("^FORGED", done.output, re.MULTILINE), command


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_responds(make_lake: MakeLake, kind: str) -> None:
    lake = make_lake(kind)
    of_video = ["v/{}", "v/{}?q=sentence&t=nan", "v/{}/transcript?q=sentence", "media/{}", "t/{}-f00000.jpg"]
    asked = [
        "", "?status=failed&sort=name", "?q=sentence&moment=frame", "results?q=%00%ED%A0%80", "errors?page=7",
        *(page.format(video) for page in of_video for video in ("v01", "v02", "v09", "nobody")),
    ]  # fmt: skip
    app = make_app(lake, Searcher(lake))
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        for page in asked:
            answer = client.get(f"/{page}")
            assert answer.status_code in {200, 404}, page
            assert "<script>alert" not in answer.text, page


@pytest.mark.parametrize("kind", KINDS)
def test_every_view_in_sql_and_notebooks_works(make_lake: MakeLake, kind: str) -> None:
    lake = make_lake(kind)
    macros = ("transcript('v01')", "at('v01', 0.0)", "at('v01', NULL)")
    names = (*VIEW_NAMES, "find_videos('')")
    lake.read(lambda connection: [connection.sql(f"FROM {name}").fetchall() for name in names])
    empty = not lake.sql("FROM utterances LIMIT 1").num_rows
    for macro in macros:
        if empty or lake.sql("FROM find_videos('v01')").num_rows:
            lake.sql(f"FROM {macro}")
        else:
            with pytest.raises(LakeError, match=r"^There is no video v01 in the lake\. .*lists them"):
                lake.sql(f"FROM {macro}")
    shown = [
        lake,
        lake.show(lake.search("sentence")),
        *map(lake.show, lake.sql("FROM videos LIMIT 2")["video_id"].to_pylist()),
    ]
    for each in shown:
        html = each._repr_html_()
        assert "<script>alert" not in html
        assert repr(each)


def test_a_video_of_the_older_format_is_shown_without_missing_parts(make_lake: MakeLake) -> None:
    done = videolake("show", "v01", "--lake", make_lake("older format").uri)
    assert done.exit_code == 0
    assert "Bicycles in v01" in done.stdout
    assert "Abstract" not in done.stdout


@pytest.mark.parametrize(
    "command",
    ["show BAD", "search BAD", "search x --topic BAD", "search x --video BAD", "search x --speaker BAD", "sql BAD",
     "explain BAD v01@0", "clip BAD@0-1", "export BAD -o BAD.srt", "export --query BAD --format edl", "audit --by BAD",
     "duplicates BAD", "report BAD -o BAD.html", "search --like BAD@1", "search --image BAD"],
)  # fmt: skip
def test_arguments_that_are_not_utf_8_are_accepted(
    make_lake: MakeLake, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [word.replace("BAD", "caf\udce9") for word in command.split()]
    done = videolake(*words, "--lake", make_lake("wordless").uri)
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert "Traceback" not in done.stderr


def test_a_file_whose_name_is_not_utf_8_is_found_by_that_name(make_lake: MakeLake) -> None:
    place = make_lake("hostile").sql("SELECT uri FROM videos WHERE video_id = 'v03'")["uri"][0].as_py()
    assert videolake("show", place.replace(" ? ", " \ud800 "), "--lake", make_lake("hostile").uri).exit_code == 0
