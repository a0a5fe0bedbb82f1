"""Plug-ins: models from a user's own package, found by entry point or dotted path.

`plugin:<name>` is the entry point of that name in the group `videolake.<role>`. `python:package.module:Factory` needs
no entry point. Both name a callable that makes the model. The package runs with all rights of this process, so only
the configuration may name it, never data. Who may start a run of a deployment chooses its configuration, but not which
code the machines import: entry points are of packages that are installed for this purpose, and `check_python_models`
asks the operator about the others.
"""

import hashlib
import importlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pipeline.models.digests import DIGEST_LENGTH, file_sha256
from pipeline.models.info import ModelInfo
from schemas.config import Config
from schemas.errors import ConfigurationError, ModelError

logger = logging.getLogger(__name__)

PLUGIN_PREFIX, PYTHON_PREFIX = "plugin:", "python:"
_ALLOWED_VARIABLE = "VIDEOLAKE_ALLOWED_PYTHON_MODELS"
_GROUP = "videolake."
_MAX_SOURCES = 2000

Role = TypeVar("Role")


def is_plugin(model_id: str) -> bool:
    """Return whether a model id names a plug-in."""
    return model_id.startswith((PLUGIN_PREFIX, PYTHON_PREFIX))


def check_python_models(config: Config) -> None:
    """Check that a run that anybody may have started imports no code of its own choice.

    Raises:
        ConfigurationError: A setting names a Python object that the operator of this machine has not allowed.
    """
    allowed = {each.strip() for each in os.environ.get(_ALLOWED_VARIABLE, "").split(",")}
    for setting, model_id in _python_models(config):
        if model_id not in allowed:
            raise ConfigurationError(
                f"{setting}: {model_id} may not be imported. The operator of this machine can allow it in "
                f"{_ALLOWED_VARIABLE}, or give the model an entry point (plugin:<name>)."
            )


def allow_python_models(config: Config) -> None:
    """Allow the Python objects that the operator's own configuration names, in this process and those it starts."""
    named = [model_id for _, model_id in _python_models(config)]
    if named:
        os.environ[_ALLOWED_VARIABLE] = ",".join([*named, os.environ.get(_ALLOWED_VARIABLE, "")]).rstrip(",")


def _python_models(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each setting that names a Python object, and the object."""
    for name, section in config.model_dump().items():
        for key, value in section.items():
            if isinstance(value, str) and value.startswith(PYTHON_PREFIX):
                yield f"{name}.{key}", value


def resolve_plugin(role: str, model_id: str) -> ModelInfo:
    """Find a plug-in without making the model.

    Its digest covers the version of its distribution and the factory's attribute `digest` (for example, of its
    weights). Without that attribute, it covers the sources of the top-level package. Its licence is the factory's
    attribute `licence`, or `unknown`.

    Args:
        role: `vision`, `captions`, `objects`, `text`, `entities`, `speakers`, `sounds` or `fusion`.
        model_id: `plugin:<name>` or `python:package.module:Factory`.

    Raises:
        ModelError: It does not exist or cannot be imported. The message says what is installed.
    """
    factory, module = _factory(role, model_id)
    if not module.__file__:
        raise ModelError(f"{role}: {model_id} was not imported from a file, so it has no version.")
    path = Path(module.__file__)
    stated = getattr(factory, "digest", "")
    content = f"stated {stated}" if isinstance(stated, str) and stated else _source_digest(module.__name__, path)
    version = _version(module.__name__)
    digest = hashlib.sha256(f"{version}\0{content}".encode()).hexdigest()[:DIGEST_LENGTH]
    licence = getattr(factory, "licence", None)
    return ModelInfo(role, model_id, path, licence if isinstance(licence, str) else "unknown", digest)


def make_plugin(role: str, model_id: str, kind: type[Role], **arguments: Any) -> Role:  # noqa: ANN401 - by role
    """Make a plug-in's model and check that it has the members of its role.

    Args:
        role: `vision`, `captions`, `objects`, `text`, `entities`, `speakers`, `sounds` or `fusion`.
        model_id: `plugin:<name>` or `python:package.module:Factory`.
        kind: Runtime-checkable Protocol of the role; see `pipeline.models.protocols`.
        arguments: Keyword arguments for the factory.

    Raises:
        ModelError: It does not exist, its factory fails, or it lacks a member of the Protocol.
    """
    factory, module = _factory(role, model_id)
    try:
        model = factory(**arguments)
    except Exception as error:
        called = ", ".join(arguments)
        raise ModelError(
            f"{role}: {model_id} could not be made: {type(error).__name__}: {error}. It is called with {called}."
        ) from error
    missing = [name for name in _members(kind) if not hasattr(model, name)]
    if missing:
        raise ModelError(
            f"{role}: {model_id} makes a {type(model).__name__} without {', '.join(missing)}; "
            f"it must have the members of pipeline.models.protocols.{kind.__name__}."
        )
    logger.info("%s: %s made by %s", role, model_id, module.__name__)
    return model  # type: ignore[no-any-return]  # checked above, as far as Python can


def plugin_names(role: str) -> tuple[str, ...]:
    """Return the names of the installed entry points for a role."""
    return tuple(sorted({point.name for point in metadata.entry_points(group=_GROUP + role)}))


def _members(kind: type) -> list[str]:
    named = {*kind.__annotations__, *vars(kind)}
    return sorted(name for name in named if not name.startswith("_"))


def _factory(role: str, model_id: str) -> tuple[Callable[..., Any], ModuleType]:
    if model_id.startswith(PYTHON_PREFIX):
        target = model_id.removeprefix(PYTHON_PREFIX)
    else:
        name = model_id.removeprefix(PLUGIN_PREFIX)
        targets = {point.value for point in metadata.entry_points(group=_GROUP + role, name=name)}
        if len(targets) != 1:
            installed = ", ".join(PLUGIN_PREFIX + each for each in plugin_names(role)) or "none"
            problem = (
                f"Several packages name a model {name}" if targets else f"No installed package names a model {name}"
            )
            raise ModelError(
                f"{role}: {problem} by an entry point in the group {_GROUP}{role}. Installed for {role}: {installed}."
            )
        target = targets.pop()
    return _imported(role, model_id, target)


def _imported(role: str, model_id: str, target: str) -> tuple[Callable[..., Any], ModuleType]:
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        raise ModelError(f"{role}: {model_id} is not of the form `{PYTHON_PREFIX}package.module:Factory`.")
    try:
        factory: Any = (module := importlib.import_module(module_name))
        for name in attribute.split("."):
            factory = getattr(factory, name)
    except Exception as error:
        raise ModelError(
            f"{role}: {model_id} cannot be imported: {type(error).__name__}: {error}. Its package must be installed in "
            "Videolake's environment on every machine with workers."
        ) from error
    if not callable(factory):
        raise ModelError(
            f"{role}: {model_id} names an object of type {type(factory).__name__}; it must be a class or a function."
        )
    return factory, module


def _version(module_name: str) -> str:
    """Return name and version of the distributions that hold a module; empty if it belongs to none."""
    # As `metadata.packages_distributions` tells, which takes half a second to list the files of all packages.
    package = module_name.partition(".")[0]
    recorded = re.compile(rf"^{re.escape(package)}(/|\.py,|\.[^/,]*\b(so|pyd),)", re.MULTILINE)
    found = set()
    for each in metadata.distributions():
        packages = (each.read_text("top_level.txt") or "").split()
        if package in packages if packages else recorded.search(each.read_text("RECORD") or ""):
            found.add(each.name)
    return ", ".join(f"{name} {metadata.version(name)}" for name in sorted(found))


def _source_digest(module_name: str, path: Path) -> str:
    """Return the digest of the sources of a module's top-level package, or of a module without a package."""
    files: Sequence[Path] = [path]
    if "." in module_name or path.name == "__init__.py":
        depth = module_name.count(".") + (path.name == "__init__.py")
        root = path.parents[max(0, depth - 1)]
        files = _sources(root)
    else:
        root = path.parent
    joined = "".join(f"{file.relative_to(root).as_posix()}\0{file_sha256(file)}\n" for file in files)
    return hashlib.sha256(joined.encode()).hexdigest()


def _sources(root: Path) -> Sequence[Path]:
    found = sorted(file for file in root.rglob("*.py") if "__pycache__" not in file.parts)
    if len(found) > _MAX_SOURCES:
        raise ModelError(
            f"{root} holds {len(found)} Python files, too many to digest; add an attribute `digest` to the factory."
        )
    return found
