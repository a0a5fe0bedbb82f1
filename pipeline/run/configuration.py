"""Load the configuration: defaults, a profile, a TOML file, the environment, flags. Later sources win.

A configuration can also be written as a profile and a short TOML text, which holds only what differs from the profile.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.config import Config
from schemas.errors import ConfigurationError

ENVIRONMENT_PREFIX = "VIDEOLAKE_"
DEFAULT_PROFILE = "embedded"
_EXAMPLE = """Write settings like this:
[speech]
beam_size = 1"""
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"\s*([\w.\"' -]+?)\s*=")


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with Videolake."""
    folder = resources.files("pipeline.run").joinpath("profiles")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_config(
    *,
    profile: str | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    settings: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Merge all sources into one validated configuration.

    Args:
        profile: Name of a built-in profile; see `profile_names`.
        file: A TOML file whose tables are the sections of `schemas.config.Config`.
        environment: `VIDEOLAKE_<SECTION>__<KEY>=value`. Values are parsed as JSON if possible, otherwise taken as text.
        settings: `section.key=value` as given with `--set`, with values parsed the same way.
        overrides: A nested mapping that overrides all other sources; `None` values are ignored.

    Raises:
        ConfigurationError: A source cannot be read, has an unknown key, or has a value out of range.
    """
    tree: dict[str, Any] = {}
    if profile is not None:
        tree = _merge(tree, _read_profile(profile))
    if file is not None:
        tree = _merge(tree, _read_toml(file))
    tree = _merge(tree, _from_environment(environment))
    for setting in settings:
        tree = _merge(tree, _from_setting(setting))
    tree = _merge(tree, _without_none(overrides or {}))
    tree = _with_absolute_taxonomy(tree)
    return _validated(tree)


def parse_settings(profile: str, text: str) -> Config:
    """Return the configuration that a profile and a TOML text mean, whatever the environment.

    Args:
        profile: Name of a built-in profile; see `profile_names`.
        text: Settings in the format that `videolake config` prints. They override those of the profile.

    Raises:
        ConfigurationError: There is no such profile, or the text is not valid. The message names the line.
    """
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"The settings are not valid TOML: {error}. {_EXAMPLE}") from None
    return _validated(_with_absolute_taxonomy(_merge(_read_profile(profile), given)), text)


def write_settings(config: Config) -> tuple[str, str]:
    """Return the profile and the shortest TOML text from which `parse_settings` makes this configuration."""
    names = sorted(profile_names(), key=lambda name: name != DEFAULT_PROFILE)
    texts = ((name, _differences(config, parse_settings(name, ""))) for name in names)
    return min(((name, text) for name, text in texts if text is not None), key=lambda each: each[1].count("\n"))


def toml_value(value: Any) -> str:  # noqa: ANN401 - of any setting
    """Return a value as TOML."""
    if isinstance(value, float):
        return repr(value)  # TOML writes infinity as Python does, unlike JSON
    # TOML has no surrogates, and allows no control characters.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _differences(config: Config, base: Config) -> str | None:
    """Return the settings that differ as TOML; None if one of them has no value, which TOML cannot say."""
    lines: list[str] = []
    for name in Config.model_fields:
        section, default = getattr(config, name), getattr(base, name)
        changed = {key: getattr(section, key) for key in type(section).model_fields}
        changed = {key: value for key, value in changed.items() if value != getattr(default, key)}
        if None in changed.values():
            return None
        if changed:
            lines += [f"[{name}]", *(f"{key} = {toml_value(value)}" for key, value in changed.items()), ""]
    return "\n".join(lines)


def _validated(tree: Mapping[str, Any], text: str = "") -> Config:
    """Return the configuration. Messages name the lines of the text, if it sets what is wrong."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, text)) from None


def _with_absolute_taxonomy(tree: dict[str, Any]) -> dict[str, Any]:
    """Make the path of a taxonomy file absolute, so that workers find it from any folder."""
    topics = tree.get("topics")
    named = topics.get("taxonomy") if isinstance(topics, Mapping) else None
    if isinstance(named, str) and Path(named).expanduser().is_file():
        return _merge(tree, {"topics": {"taxonomy": str(Path(named).expanduser().absolute())}})
    return tree


def _read_profile(name: str) -> dict[str, Any]:
    if name not in profile_names():
        raise ConfigurationError(f"There is no profile {name!r}. Choose one of: {', '.join(profile_names())}.")
    return tomllib.loads(
        resources.files("pipeline.run").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    )


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Cannot read the configuration file {file}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            path = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            tree = _merge(tree, _nest(path, _parse(value)))
    return tree


def _from_setting(setting: str) -> dict[str, Any]:
    key, equals, value = setting.partition("=")
    if not equals or "." not in key:
        raise ConfigurationError(f"--set needs section.key=value, e.g. --set speech.beam_size=1; got {setting!r}.")
    return _nest(key.strip().split("."), _parse(value.strip()))


def _parse(value: str) -> Any:  # noqa: ANN401 - JSON may be anything
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _nest(path: Sequence[str], value: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _without_none(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in tree.items()
        if value is not None
    }


def _explain(error: ValidationError, text: str) -> str:
    numbers = _line_numbers(text)
    lines = ["Invalid configuration:"]
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"])
        number = next((numbers[key] for key in _prefixes(problem["loc"]) if key in numbers), None)
        line = f"line {number}, " if number else ""
        what = "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"  {line}{where}: {what} (got {problem['input']!r})")
    lines.append("Run `videolake config` to list and explain all settings.")
    return "\n".join(lines)


def _prefixes(loc: tuple[int | str, ...]) -> list[str]:
    """Return a location such as `archive.extensions.3` and what contains it, longest first."""
    return [".".join(str(part) for part in loc[:count]) for count in range(len(loc), 0, -1)]


def _line_numbers(text: str) -> dict[str, int]:
    """Return the number of the line of each table and key of a valid TOML text, by `section.key`."""
    numbers: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), 1):
        if found := _TABLE.match(line):
            table = _plain(found[1])
            numbers.setdefault(table, number)
        elif found := _KEY.match(line):
            key = _plain(found[1])
            numbers.setdefault(f"{table}.{key}" if table else key, number)
    return numbers


def _plain(key: str) -> str:
    """Return a TOML key without quotes and without blanks around its dots."""
    return ".".join(part.strip(" \"'") for part in key.split("."))
