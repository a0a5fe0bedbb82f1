from pathlib import Path

import pytest

from pipeline.models import cache_dir
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
