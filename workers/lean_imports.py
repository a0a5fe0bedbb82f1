"""What the processes of a run leave out while they import libraries and load models: most of their start-up."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from pipeline.models import EMBEDDED_PREFIX, is_plugin, roster_of
from schemas.config import Config

_METAS = "torch._meta_registrations"
"""Computes the shapes of results without computing them, for compilers and models that are built before they are read.
It registers thousands of functions, a third of the time to import PyTorch."""
_SWITCH_S = 0.0005
_NEED_METAS = {"torch._dynamo", "torch._inductor", "transformers"}


@contextmanager
def polite_threads() -> Iterator[None]:
    """Let a thread that imports make way for others ten times as often, for the duration of the block.

    One that starts processes, or runs a model, needs the interpreter again and again, and waits up to 5 ms each time.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Do not look for garbage for the duration of the block: imports make none. What they made is never looked at."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def keep_pandas_out(config: Config) -> None:
    """Let pyarrow make arrays without pandas. For its first one, it would import it, to recognise its types.

    It still imports pandas for conversions to it. Until then it takes a series for any other sequence, in which NaN is
    no null. Call this before other threads import anything.

    Args:
        config: Says which models there are. If some of them are not ours, nothing changes: they may use pandas.
    """
    if "pandas" in sys.modules or not _is_embedded(config):
        return
    import pyarrow as pa

    with _found_by(_Missing()):
        pa.array([0])


def import_lean_torch(config: Config) -> None:
    """Import PyTorch without what none of our models needs. What needs it, such as its compiler, imports it first.

    Args:
        config: Says which models there are. If some of them are not ours, PyTorch is imported as a whole.
    """
    if "torch" not in sys.modules and _is_embedded(config):
        sys.meta_path.insert(0, _Later())
    import torch as _imported  # noqa: F401


def _is_embedded(config: Config) -> bool:
    """Return whether all models are among those that ship."""
    return not is_plugin(config.fusion.method) and all(
        model_id.startswith(EMBEDDED_PREFIX) for _, model_id in roster_of(config).ids
    )


@contextmanager
def _found_by(finder: MetaPathFinder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Missing(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:  # noqa: ARG002
        """Raise if it is looked for."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


class _Later(MetaPathFinder, Loader):
    """Makes an empty module in place of one that is not needed yet, and imports it before what needs it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Find the module."""
        if fullname == _METAS:
            return ModuleSpec(fullname, self)
        if fullname in _NEED_METAS:
            self.end()
            import_module(_METAS)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Let the module be found."""
        # A new list: an import that goes through the old one would miss the finder after this one.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]
        if sys.modules.pop(_METAS, None):
            delattr(sys.modules["torch"], _METAS.rpartition(".")[2])
