"""Terminal output: commands run in a real pseudo-terminal on a lake in which every text is an attack."""

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.terminal import _Guarded, harmless
from pipeline.lake import Lake, Origin, failure_tables, video_tables
from schemas.records import Failure
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis, media_info, task

pytestmark = pytest.mark.slow

EVIL = "\x1b]0;owned\x07\x1b[2J\x1b[8mhidden\x1b[6n\x9b5n\rerror: fake\x08\u202eevil"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
END = "=== the end of a command ==="
SCRIPT = """
from flows.cli import main
from tests.kept_engines import engines_kept
with engines_kept():
    for arguments in {commands!r}:
        try:
            main([*arguments, "--lake", {lake!r}], prog_name="videolake")
        except SystemExit:
            pass
        print({end!r})
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("hostile") / "lake"))
    made = analysis("v001")
    summary = replace(
        made.summary,
        headline=EVIL,
        sentences=tuple(replace(each, text=EVIL) for each in made.summary.sentences),
        chapters=tuple(replace(each, title=EVIL) for each in made.summary.chapters),
    )
    said = tuple(replace(each, text=EVIL, words=(), speaker=EVIL) for each in made.transcript.utterances)
    made = replace(made, summary=summary, transcript=replace(made.transcript, utterances=said), warnings={EVIL: "file"})
    about = {
        "revision": REVISION, "shard": "01", "text": TEXT, "vision": VISION, "coordinated": COORDINATED,
        "committed_at": NOON,
    }  # fmt: skip
    lake.stage("01", "v001", video_tables(replace(task("v001"), uris=(f"/archive/{EVIL}.mp4",)), made, Origin(**about)))
    failure = Failure("probe", "corrupt", EVIL, "", 1)
    broken = replace(task("v002"), uris=(f"/archive/2{EVIL}.mp4",))
    lake.stage("01", "v002", failure_tables(broken, failure, media_info("x"), Origin(**about)))
    lake.commit("01", REVISION)
    return lake


@pytest.fixture(scope="module")
def seen(hostile: Lake) -> list[str]:
    """Run commands in a terminal, in one process, and return what of each reaches it. The first is `show`."""
    forms = [["--format", form] for form in ("table", "csv", "json", "jsonl")]
    query = "SELECT uri, headline, warnings FROM videos LEFT JOIN summaries USING (video_id)"
    commands = [
        ["show", "v001"], ["show", "v001", "--json"], ["show", "v002"], ["show", f"nobody{EVIL}"],
        *(["sql", query, *form] for form in forms),
        ["sql", "SELECT message FROM errors"], ["sql", f"SELECT '{EVIL}"],
        *(["export", "v001", "--format", form] for form in ("srt", "vtt", "txt", "json", "ffmetadata", "edl", "otio")),
        ["export", "--all", "--format", "youtube", "-o", f"{hostile.uri}/../chapters"],
        ["search", "evil"], ["clip", "v001@1-2"], ["clip", "v001@1-2", f"v002{EVIL}@1-2"],
    ]  # fmt: skip
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(commands=commands, lake=hostile.uri, end=END)],
        stdin=follower, stdout=follower, stderr=follower, cwd=Path(__file__).parent.parent.parent,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(follower)
    output = b""
    while True:
        try:
            read = os.read(leader, 65536)
        except OSError:
            break
        if not read:
            break
        output += read
    os.close(leader)
    process.wait()
    *each, rest = output.decode("utf-8").split(f"{END}\r\n")
    assert (len(each), rest) == (len(commands), "")
    return each


def test_nothing_but_text_and_colours_reaches_a_terminal(seen: list[str]) -> None:
    output = "".join(seen)
    assert output.count("hidden") > 20, output
    assert "Traceback" not in output
    text = COLOURS.sub("", output).replace("\r\n", "\n")
    assert not re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", output) for code in found.split(";")}
    assert not codes & {"5", "6", "7", "8"}


def test_the_colours_of_commands_are_kept(seen: list[str]) -> None:
    assert "\x1b[1m" in seen[0]


def test_output_to_a_file_is_unchanged(hostile: Lake) -> None:
    command = [sys.executable, "-m", "flows.cli", "sql", "SELECT headline FROM summaries", "--format", "csv"]
    done = subprocess.run([*command, "--lake", hostile.uri], capture_output=True, check=True)
    assert EVIL.encode() in done.stdout


@given(st.text())
def test_harmless_text_has_no_control_characters(text: str) -> None:
    made = harmless(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", made)
    assert harmless(made) == made


@given(st.binary(max_size=40))
def test_bytes_are_guarded_like_text(data: bytes) -> None:
    text = StringIO()
    guarded = _Guarded(text)
    for number in range(0, len(data), 3):
        guarded.buffer.write(data[number : number + 3])
    assert "\x1b" not in COLOURS.sub("", text.getvalue())


@pytest.mark.parametrize("codes", ["", "0", "1;31", "38;5;208", "38;2;1;2;3", "0;1;4;92"])
def test_colours_pass(codes: str) -> None:
    text = StringIO()
    _Guarded(text).write(f"\x1b[{codes}mred")
    assert text.getvalue() == f"\x1b[{codes}mred"


@pytest.mark.parametrize("codes", ["8", "1;8", "5", "7", "48;5;1", "38;5", "999"])
def test_styles_that_hide_text_do_not_pass(codes: str) -> None:
    text = StringIO()
    _Guarded(text).write(f"\x1b[{codes}mred")
    assert text.getvalue() == "\ufffdred"
