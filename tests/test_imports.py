"""What commands import: PyTorch takes 2 s of CPU and Prefect as long, so they wait until something needs them."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

pytestmark = pytest.mark.slow
_HEAVY = ("torch", "transformers", "prefect", "ray", "cv2", "onnxruntime")


_COMMANDS = {
    "help": ("flows.cli", ()),
    "a run with nothing to do": ("flows.commands.peek", ()),
    "reading a lake": ("flows.commands.query, flows.commands.show, flows.commands.export", ("cv2",)),
    "pages": ("flows.commands.browse, flows.web.app", ("cv2",)),
    "a run on Ray": ("flows.archive, flows.commands.search", ("prefect", "cv2")),
}
"""What each imports, and the heavy packages it may import: whatever those before it may."""


@pytest.fixture(scope="module")
def imported() -> Mapping[str, list[str]]:
    """The modules that a process has imported after each of the commands: one process, as imports take seconds."""
    lines = ["import json, sys", "found = {}"]
    for name, (modules, _) in _COMMANDS.items():
        lines += [f"import {modules}", f"found[{name!r}] = list(sys.modules)"]
    code = "\n".join([*lines, "print(json.dumps(found))"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: Mapping[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("command", _COMMANDS)
def test_heavy_packages_are_imported_only_when_something_needs_them(
    imported: Mapping[str, list[str]], command: str
) -> None:
    _, allowed = _COMMANDS[command]
    assert set(imported[command]) & (set(_HEAVY) - set(allowed)) == set()
