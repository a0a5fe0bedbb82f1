from pathlib import Path

import pytest

from pipeline import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(str(tmp_path / "lake"))
