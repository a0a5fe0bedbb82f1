"""The notebook: clean as it is kept, and run as people run it."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.known_lake import KnownLake

NOTEBOOK = Path(__file__).parent.parent.parent / "examples" / "explore.ipynb"


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells if cell.cell_type == "code")


@pytest.mark.models
def test_the_notebook_runs_and_shows_pictures(
    known_lake: KnownLake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIDEOLAKE_LAKE", known_lake.lake.uri)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(NOTEBOOK.parent.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [
        text for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
        for text in ({"text/plain": output.get("text", "")} | dict(output.get("data", {}))).values()
    ]  # fmt: skip
    assert sum("data:image/jpeg;base64," in text for text in shown) == 3, (
        "the lake, the film, and the hits have pictures"
    )
    assert any("<svg" in text for text in shown)
    assert any("WEBVTT" in text for text in shown)
    assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))
