"""Videolake's public Python API: `from pipeline import Lake, Searcher, load_config`.

Names are loaded when they are first used, so that importing one package of `pipeline` does not import all of them.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

from pipeline.heap import keep_freed_memory

keep_freed_memory()  # before the first thread starts
# Both must be set before the first library that reads them is imported.
# Threads of OpenMP that wait for work would do so at full speed, and take the cores from decoding and other models:
# beside other work, loading all models took 19 s of CPU instead of 9 s.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# So would those of NumPy, whose products are small. It has as many as there are cores, whatever `workers.threads` says:
# beside other work, to encode a query took 3 s of CPU instead of 0.1 s.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if TYPE_CHECKING:
    from pipeline.api import Lake
    from pipeline.run import load_config
    from pipeline.search import Searcher

__all__ = ["Lake", "Searcher", "load_config"]

_HOMES = {"Lake": "pipeline.api", "Searcher": "pipeline.search", "load_config": "pipeline.run"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
