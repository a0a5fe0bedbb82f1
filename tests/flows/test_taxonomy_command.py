import tomllib
from pathlib import Path

from click.testing import CliRunner

from flows.cli import main


def test_the_shipped_taxonomy_is_printed_to_be_edited() -> None:
    done = CliRunner().invoke(main, ["taxonomy"])
    assert done.exit_code == 0
    assert len(tomllib.loads(done.output)["topics"]) > 90


def test_a_file_that_is_no_taxonomy_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[[topics]]\nnme = 'tides'\n")
    done = CliRunner().invoke(main, ["taxonomy", str(tmp_path / "bad.toml")])
    assert done.exit_code == 2
    assert "topics.0.name: Field required" in done.output
