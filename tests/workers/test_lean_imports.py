"""What processes of a run leave out works once it is used. Each test is a process of its own: imports last."""

import gc
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from types import ModuleType

import pytest

from workers import lean_imports
from workers.lean_imports import polite_threads, without_garbage_collection


def _said(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_pyarrow_makes_arrays_without_pandas_and_still_converts_to_it() -> None:
    program = """
import sys
from schemas.config import Config
from workers.lean_imports import keep_pandas_out
keep_pandas_out(Config())
import pyarrow as pa
column = pa.array([1, None, 3])
print("pandas" in sys.modules)
print(pa.table({"number": column}).to_pandas()["number"].sum())
print(pa.array(sys.modules["pandas"].Series([1.0, None])).null_count)
"""
    assert _said(program) == ["False", "4.0", "1"]


def test_a_plug_in_may_make_arrays_of_what_pandas_has() -> None:
    program = """
from schemas.config import CaptionsConfig, Config
from workers.lean_imports import keep_pandas_out
keep_pandas_out(Config(captions=CaptionsConfig(model="plugin:colours")))
import pandas as pd
import pyarrow as pa
print(pa.array(pd.Series([1.0, None])).null_count)
"""
    assert _said(program) == ["1"]


@pytest.mark.slow
def test_pytorch_computes_shapes_once_something_needs_it_to() -> None:
    program = """
import sys
from schemas.config import Config
from workers.lean_imports import import_lean_torch
import_lean_torch(Config())
import torch
print("torch._decomp" in sys.modules)
import torch._dynamo
print("torch._decomp" in sys.modules, hasattr(torch._meta_registrations, "meta_mm"))
with torch._subclasses.FakeTensorMode():
    print(*torch.nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 9, 9)).shape)
"""
    assert _said(program) == ["False", "True True", "1 4 7 7"]


@pytest.mark.slow
def test_pytorch_is_imported_as_a_whole_where_a_model_is_not_ours() -> None:
    program = """
import sys
from schemas.config import Config, TextConfig
from workers.lean_imports import import_lean_torch
import_lean_torch(Config(text=TextConfig(model="a/model")))
print("torch._decomp" in sys.modules)
"""
    assert _said(program) == ["True"]


def test_the_interpreter_is_as_before_afterwards() -> None:
    before_s = sys.getswitchinterval()
    with polite_threads(), without_garbage_collection():
        assert not gc.isenabled()
        assert sys.getswitchinterval() < before_s
    assert gc.isenabled()
    assert sys.getswitchinterval() == before_s


def test_the_import_that_needs_what_was_left_out_is_asked_of_every_finder(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Next(MetaPathFinder):
        def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
            asked.append(fullname)

    monkeypatch.setattr(lean_imports, "_METAS", "colorsys")
    monkeypatch.setattr(lean_imports, "_NEED_METAS", {"needs_it"})
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    monkeypatch.setattr(sys, "meta_path", [lean_imports._Later(), Next(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="needs_it"):
        import_module("needs_it")
    assert asked == ["colorsys", "needs_it"]
    assert hasattr(sys.modules["colorsys"], "rgb_to_hsv"), "it is imported whole"
