"""`videolake explain` as people use it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main
from tests.known_lake import KnownLake

pytestmark = pytest.mark.models


def test_explain_prints_what_counts_and_writes_a_page(known_lake: KnownLake, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    arguments = ["explain", "a cat at the window", f"{known_lake.film}@0:05", "--lake", known_lake.lake.uri]
    done = CliRunner().invoke(main, [*arguments, "-o", str(page)])
    assert done.exit_code == 0, done.output
    assert "text " in done.output
    assert "words of the text" in done.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert CliRunner().invoke(main, ["explain", "x", "no time", "--lake", known_lake.lake.uri]).exit_code == 2
