import subprocess
import sys

import pytest

from tests.sharing import run_folder, running_once


@pytest.mark.parametrize("died", [False, True])
def test_the_last_user_ends_a_server_even_if_it_has_died_by_itself(
    tmp_path_factory: pytest.TempPathFactory, died: bool
) -> None:
    name, started = f"sleeper-{died}", []

    def start() -> tuple[str, subprocess.Popen[bytes]]:
        started.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return "address", started[-1]

    with running_once(tmp_path_factory, name, start) as first:
        with running_once(tmp_path_factory, name, start) as second:
            assert first == second == "address"
        [server] = started
        assert server.poll() is None, "ended while it was used"
        if died:
            server.communicate(b"\n")
    assert server.wait(30) == (0 if died else -9)
    assert not (run_folder(tmp_path_factory) / f"{name}.pickle").exists()
