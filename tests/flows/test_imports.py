"""What commands import: everything that they do not need makes each of them slower."""

import subprocess
import sys

import pytest

from flows.cli import main
from tests.known_lake import KnownLake

_HEAVY = ("torch", "transformers", "ray", "prefect", "numpy", "pydantic", "pyarrow", "duckdb")

_HELP = f"""
import sys
from click.testing import CliRunner
from flows.cli import main
names = [[], *([name] for name in main.commands), *(["bert", name] for name in main.commands["bert"].commands)]
for arguments in names:
    result = CliRunner().invoke(main, [*arguments, "--help"])
    assert result.exit_code == 0, result.output
print([name for name in {_HEAVY} if name in sys.modules])
"""


def test_no_help_imports_a_library_that_takes_long() -> None:
    # In a process of its own: this one has imported them all.
    assert _printed(_HELP) == "[]"


def test_a_process_of_ray_imports_no_model_before_it_has_work() -> None:
    heavy = "[name for name in ('torch', 'duckdb', 'prefect') if name in sys.modules]"
    program = f"import workers.ray_worker, sys; print({heavy})"
    assert _printed(program) == "[]"


def test_threads_that_wait_for_work_sleep_unless_the_user_wants_something_else() -> None:
    program = "import os, pipeline; print(os.environ['OMP_WAIT_POLICY'], os.environ['OPENBLAS_NUM_THREADS'])"
    assert _printed(program) == "passive 1"
    assert _printed("import os; os.environ['OMP_WAIT_POLICY'] = 'active'; " + program).startswith("active")


@pytest.mark.models
def test_a_search_loads_its_text_encoders_and_no_network_of_images(known_lake: KnownLake) -> None:
    program = f"""
import sys
from click.testing import CliRunner
from flows.cli import main
result = CliRunner().invoke(main, ["search", "a person", "--lake", {known_lake.lake.uri!r}, "--format", "json"])
assert result.exit_code == 0, result.output
assert '"moment_id"' in result.output or '"video_id"' in result.output, result.output
print([name for name in ("torch", "transformers", "ray", "prefect", "scipy") if name in sys.modules])
"""
    assert _printed(program) == "[]"


def test_there_are_commands_to_try() -> None:
    assert {"run", "search", "bert"} <= main.commands.keys()


def _printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
