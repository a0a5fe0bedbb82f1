import tempfile
from pathlib import Path

import pytest

from pipeline.models import cache_dir, is_writable, temporary_folder
from pipeline.models.cache import _writable
from schemas.errors import ModelError


def test_the_cache_is_where_it_is_configured_else_in_the_users_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("VIDEOLAKE_CACHE", raising=False)
    assert cache_dir().is_relative_to(tmp_path)
    assert cache_dir().name == "videolake"
    monkeypatch.setenv("VIDEOLAKE_CACHE", "~/mine")
    assert cache_dir() == tmp_path / "mine"
    assert cache_dir().is_dir()


def test_a_cache_that_cannot_be_made_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="VIDEOLAKE_CACHE"):
        cache_dir()


@pytest.mark.parametrize("home", ["/dev/null/home", "/proc/home"])
def test_without_a_writable_home_the_cache_is_temporary_and_says_so(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("VIDEOLAKE_CACHE", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _writable.cache_clear()
    assert cache_dir().is_relative_to(tmp_path)
    assert is_writable(cache_dir())
    assert "VIDEOLAKE_CACHE" in caplog.text


def test_a_temporary_folder_that_others_can_write_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = temporary_folder("cache").parent
    mine.chmod(0o777)
    with pytest.raises(ModelError, match="TMPDIR"):
        temporary_folder("cache")
    mine.rename(tmp_path / "elsewhere")
    mine.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="TMPDIR"):
        temporary_folder("cache")
