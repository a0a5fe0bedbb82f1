"""Which tests run, and in which order.

With `--quick`, no models, no Ray cluster, no Prefect or S3 server, no browser and nothing slow: tests with these marks
are left out, and one without its mark fails, as what it is not to start is out of reach. Tests that ask for the fixture
`s3_server` have its mark without saying so.
"""

import gc
import os
import re
import sys
import sysconfig
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_MONOTONIC = time.monotonic
_WAITING = ("cluster", "prefect", "browser")
_BESIDE_WAITING = 8
"""Files that compute for each that waits."""
SLOW = (*_WAITING, "models", "s3", "slow")
"""Marks that are left out, the slowest first."""
_ALL_SLOW = re.compile(rf"^pytestmark = .*pytest\.mark\.({'|'.join(SLOW)})\b", re.MULTILINE)
_PROGRAMS = {
    "gcs_server": "cluster",
    "raylet": "cluster",
    "prefect.server": "prefect",
    "prefect server": "prefect",
    "playwright": "browser",
    "tests.s3.moto_server": "s3",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help=f"leave out tests marked {', '.join(SLOW)}")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("quick"):
        # Processes that tests start inherit it.
        os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
        sys.addaudithook(_refuse_programs)
        assert not _LOADERS.keys() & sys.modules.keys(), "imported before they could be guarded"
        sys.meta_path.insert(0, _GuardedImports())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--quick`, do not even import a file whose tests are all slow."""
    if not config.getoption("quick") or collection_path.suffix != ".py":
        return None
    return True if _ALL_SLOW.search(collection_path.read_text(encoding="utf-8")) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "s3_server" in getattr(item, "fixturenames", ()):
            item.add_marker("s3")
    if config.getoption("quick"):
        slow = [item for item in items if _rank(item) < len(SLOW)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if _rank(item) == len(SLOW)]
    if "PYTEST_XDIST_WORKER" in os.environ:
        order = _order({item.path: _rank(item) for item in sorted(items, key=_rank, reverse=True)})
        items.sort(key=lambda item: order[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # Imports leave hardly any garbage to look for.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Refuse tests that replace the clock of all threads: an event loop of another one would sleep for hours."""
    result = yield
    if time.monotonic is not _MONOTONIC:
        raise AssertionError(f"{item.nodeid} replaces time.monotonic; replace the name of the module that it tests")
    return result


def pytest_collection_finish() -> None:
    # Modules stay: otherwise the garbage collector goes through them again and again, for 4 % of the time.
    gc.freeze()


def _order(ranks: Mapping[Path, int]) -> dict[Path, int]:
    """Return the place of each file among all, from the rank of its slowest test.

    Long files come first, so that all processes end together. Every ninth is one that mostly waits, for clusters,
    servers and browsers, for about as long as the other processes need for the eight after it: if all of them waited
    at a time, the cores would be idle.
    """
    files = sorted(ranks, key=lambda path: (ranks[path], path))
    waiting = [path for path in files if ranks[path] < len(_WAITING)]
    computing = iter([path for path in files if ranks[path] >= len(_WAITING)])
    order = [each for path in waiting for each in (path, *islice(computing, _BESIDE_WAITING))]
    return {path: place for place, path in enumerate((*order, *computing))}


def _rank(item: pytest.Item) -> int:
    """Return the place in `SLOW` of the slowest mark that a test has; what follows the last for none."""
    return next((place for place, mark in enumerate(SLOW) if item.get_closest_marker(mark)), len(SLOW))


def _refuse_programs(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "subprocess.Popen":
        return
    command = " ".join(map(os.fsdecode, arguments[1]))
    for program, mark in _PROGRAMS.items():
        if program in command:
            _refuse(mark, command)


_LOADERS = {
    "torch": ("load",),
    "safetensors.torch": ("load_file",),
    "onnxruntime": ("InferenceSession.__init__",),
    "faster_whisper": ("WhisperModel.__init__",),
    "transformers.modeling_utils": ("PreTrainedModel.from_pretrained",),
}
"""Functions that load weights, by module."""


class _GuardedImports(MetaPathFinder):
    """Guards the loaders of a module when it is first imported: importing all of them now would take 8 s."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _LOADERS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_guard(module: ModuleType) -> None:
                execute(module)
                _guard(module)

            spec.loader.exec_module = execute_and_guard  # type: ignore[method-assign]
        return spec


def _guard(module: ModuleType) -> None:
    for loader in _LOADERS[module.__name__]:
        *names, name = loader.split(".")
        owner = getattr(module, names[0]) if names else module
        load = vars(owner)[name]
        bound = isinstance(load, classmethod)
        setattr(owner, name, classmethod(_guarded(load.__func__)) if bound else _guarded(load))


def _guarded(load: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*arguments: Any, **options: Any) -> Any:
        for argument in arguments:
            if isinstance(argument, str | os.PathLike) and _is_real(Path(argument)):
                _refuse("models", str(argument))
        return load(*arguments, **options)

    return guarded


def _is_real(weights: Path) -> bool:
    """Tell weights that a package carries, or that are kept for the user, from those that a test made."""
    from pipeline.models import cache_dir

    return any(weights.resolve().is_relative_to(folder) for folder in (sysconfig.get_path("purelib"), cache_dir()))


def _refuse(mark: str, what: str) -> None:
    pytest.fail(f"Mark this test with pytest.mark.{mark}: it starts or loads {what}")
