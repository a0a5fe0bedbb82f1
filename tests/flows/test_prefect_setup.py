import os
import tempfile
from pathlib import Path

import pytest

from flows.prefect_setup import prepare_prefect
from schemas.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_prefect_keeps_a_home_that_it_can_write(tmp_path: Path) -> None:
    os.environ["HOME"] = str(tmp_path)
    prepare_prefect(quiet=True)
    assert "PREFECT_HOME" not in os.environ


def test_without_a_writable_home_prefect_gets_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    os.environ["HOME"] = "/dev/null/home"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    prepare_prefect(quiet=True)
    assert Path(os.environ["PREFECT_HOME"]).is_relative_to(tmp_path)
    assert "Set PREFECT_HOME" in caplog.text


def test_a_prefect_home_that_cannot_be_written_is_an_error() -> None:
    os.environ["PREFECT_HOME"] = "/dev/null/home"
    with pytest.raises(ConfigurationError, match="PREFECT_HOME is /dev/null/home"):
        prepare_prefect(quiet=True)
