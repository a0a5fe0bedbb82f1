import subprocess
import sys


def test_a_lake_is_opened_without_loading_pytorch() -> None:
    """It takes seconds, and SQL needs none of it."""
    code = "import sys; from pipeline import Lake; print({'torch', 'transformers', 'faiss'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "set()\n"
