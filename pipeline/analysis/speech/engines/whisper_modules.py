"""Modules of the package `whisper` without the package, which imports numba: 65 MB and a third of a second of CPU."""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any


def whisper_module(name: str) -> Any:  # noqa: ANN401 - untyped
    """Return a module of `whisper` that needs nothing of the others but what it imports.

    Args:
        name: Such as `tokenizer`.

    Raises:
        ModuleNotFoundError: The package `openai-whisper` is not installed.
    """
    module = f"whisper.{name}"
    if module not in sys.modules and "whisper" not in sys.modules:
        spec = find_spec("whisper")
        if spec is None:  # a base dependency
            raise ModuleNotFoundError("openai-whisper is not installed", name="whisper")
        sys.modules["whisper"] = module_from_spec(spec)  # found, but not executed
        try:
            import_module(module)
        finally:
            del sys.modules["whisper"]
    return import_module(module)
