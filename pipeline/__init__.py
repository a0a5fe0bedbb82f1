"""Videolake's public Python API: `from pipeline import Lake, Searcher, load_config`.

Names are loaded when they are first used, so that importing one package of `pipeline` does not import all of them.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# Must be set before the first library with OpenMP is imported. By default, threads that wait for work do so at full
# speed, and take the cores from decoding, audio and other workers: loading all models took 19 s of CPU instead of 9 s.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

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
