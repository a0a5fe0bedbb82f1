"""What commands import: PyTorch takes 2 s of CPU and Prefect as long, so they wait until something needs them."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
_HEAVY = ("torch", "transformers", "prefect", "ray", "cv2", "onnxruntime")


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [
        pytest.param("flows.cli", (), id="help"),
        pytest.param("flows.commands.peek", (), id="a run with nothing to do"),
        pytest.param("flows.commands.query, flows.commands.show, flows.commands.export", ("cv2",), id="reading a lake"),
        pytest.param("flows.commands.browse, flows.web.app", ("cv2",), id="pages"),
        pytest.param("flows.archive, flows.commands.search", ("prefect", "cv2"), id="a run on Ray"),
    ],
)
def test_heavy_packages_are_imported_only_when_something_needs_them(modules: str, allowed: tuple[str, ...]) -> None:
    code = f"import sys, {modules}; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(imported) & (set(_HEAVY) - set(allowed)) == set()
