"""Temporary link folders, and those that killed processes leave behind."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.search.links import LinkFolder, remove_abandoned


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a separate folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_a_folder_is_removed_when_closed_or_garbage_collected(temporary: Path) -> None:
    file = temporary / "words"
    file.write_text("telescope")
    closed, unused = LinkFolder([file]), LinkFolder([file])
    assert (closed.path / "words").read_text() == "telescope"
    closed.close()
    closed.close()
    del unused
    assert list(temporary.iterdir()) == [file]


@pytest.mark.slow
def test_only_folders_of_killed_processes_are_removed(temporary: Path) -> None:
    left = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.search.links import LinkFolder\n"
        "folder = LinkFolder([Path('/etc/hostname')])\nprint(folder.path, flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", left], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        abandoned = Path(process.stdout.readline().strip())
        mine = LinkFolder([])
        nameless = temporary / "videolake-search-of-somebody"
        nameless.mkdir()
        linked = temporary / "videolake-search-linked"
        linked.symlink_to(abandoned)
        assert remove_abandoned(min_age_s=0) == 0, "its process lives"
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    assert abandoned.is_dir()
    assert remove_abandoned() == 0, "a folder so young may not be locked yet"
    assert remove_abandoned(min_age_s=0) == 1
    assert sorted(temporary.iterdir()) == sorted([mine.path, nameless, linked])
