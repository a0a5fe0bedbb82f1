import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.lake.layout import LOCK_INFO
from pipeline.lake.lock import writer_lock
from pipeline.lake.store import Store
from schemas.errors import LakeError


def test_a_second_writer_is_refused_and_told_who_writes(lake: Lake) -> None:
    with writer_lock(lake._store), pytest.raises(LakeError, match=f"by process {os.getpid()} on"):
        lake.compact()


def test_the_lock_is_released_even_if_its_note_cannot_be_removed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(store: Store, relative: str) -> None:
        raise OSError(f"no space left to remove {relative}")

    kept = []
    with monkeypatch.context() as patch:
        patch.setattr(Store, "remove", refuse)
        with pytest.raises(OSError, match=LOCK_INFO) as raised, writer_lock(lake._store):
            pass
        kept.append(raised)  # a traceback keeps every local of its frames alive, the lock among them
    lake.compact()


def test_the_lock_of_a_killed_writer_is_free_even_if_its_child_process_lives(lake: Lake) -> None:
    script = (
        "import subprocess, sys, time; from pathlib import Path\n"
        "from pipeline.lake.lock import writer_lock; from pipeline.lake.store import Store\n"
        "with writer_lock(Store(sys.argv[1])):\n"
        "    child = subprocess.Popen(['sleep', '600'], close_fds=False)\n"
        "    print(child.pid, flush=True); time.sleep(600)\n"
    )
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", script, lake.uri]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        assert writer.stdout is not None
        child = int(writer.stdout.readline())
        try:
            with pytest.raises(LakeError, match=f"by process {writer.pid}"):
                lake.compact()
            writer.kill()
            writer.wait()
            lake.compact()
        finally:
            os.kill(child, signal.SIGKILL)
