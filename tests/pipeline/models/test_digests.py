import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.models import digests
from pipeline.models.digests import file_sha256


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_LARGE_BYTES", 3)
    monkeypatch.setattr(digests, "_SETTLED_NS", -1)
    digests._sha256.cache_clear()
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"weights")
    return file


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").glob("digests/*"))


def test_the_digest_of_a_large_file_is_kept_for_other_processes(weights: Path, tmp_path: Path) -> None:
    first = file_sha256(weights)
    [entry] = kept(tmp_path)
    entry.write_text("0" * 64)  # shows that it is used
    program = f"""
from pathlib import Path
from pipeline.models import digests
digests._LARGE_BYTES = 3
print(digests.file_sha256(Path({str(weights)!r})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0" * 64
    assert first == hashlib.sha256(b"weights").hexdigest()


def test_a_file_that_changes_within_its_times_is_read_again(weights: Path) -> None:
    file_sha256(weights)
    state = weights.stat()
    weights.write_bytes(b"damaged")
    os.utime(weights, ns=(state.st_atime_ns, state.st_mtime_ns))
    digests._sha256.cache_clear()  # as in another process
    assert file_sha256(weights) == hashlib.sha256(b"damaged").hexdigest()


def test_a_damaged_entry_is_computed_again(weights: Path, tmp_path: Path) -> None:
    file_sha256(weights)
    [entry] = kept(tmp_path)
    for damage in (b"", b"abc", b"\xff" * 64):
        entry.write_bytes(damage)
        digests._sha256.cache_clear()
        assert file_sha256(weights) == hashlib.sha256(b"weights").hexdigest()
        assert entry.read_text() == hashlib.sha256(b"weights").hexdigest()


def test_nothing_is_kept_of_small_files_and_of_those_that_may_still_change(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_SETTLED_NS", 3_600_000_000_000)
    file_sha256(weights)
    digests._sha256.cache_clear()
    monkeypatch.setattr(digests, "_SETTLED_NS", -1)
    monkeypatch.setattr(digests, "_LARGE_BYTES", 100)
    file_sha256(weights)
    assert not kept(tmp_path)


def test_a_cache_that_cannot_be_written_costs_only_time(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").touch()
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "full"))
    assert file_sha256(weights) == hashlib.sha256(b"weights").hexdigest()
