"""The taxonomy: topics from a TOML file that people can edit. Planning a run reads it, so it imports no model."""

import hashlib
import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.models import DIGEST_LENGTH, ModelInfo
from schemas.errors import ConfigurationError

_SHIPPED = "taxonomies"


class Topic(BaseModel):
    """A topic and what people say about it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1)
    description: str = ""
    examples: tuple[str, ...] = ()

    @property
    def phrases(self) -> tuple[str, ...]:
        """The texts that the encoder reads."""
        return tuple(phrase for phrase in (self.name, self.description, *self.examples) if phrase.strip())


class Taxonomy(BaseModel):
    """Topics, and phrases that belong to none of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: tuple[Topic, ...] = Field(min_length=1)
    background: tuple[str, ...] = ()


def taxonomy_names() -> tuple[str, ...]:
    """Return the names of the built-in taxonomies."""
    folder = resources.files("pipeline.analysis").joinpath(_SHIPPED)
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def taxonomy_text(setting: str) -> str:
    """Return the TOML of a taxonomy.

    Args:
        setting: Name of a built-in taxonomy, or path of a file.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        return _path(setting).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        shipped = ", ".join(taxonomy_names())
        raise ConfigurationError(
            f"topics.taxonomy: {setting} is neither a built-in taxonomy ({shipped}) nor a readable file: {error}. "
            "`videolake taxonomy` prints one to edit."
        ) from None


def load_taxonomy(setting: str) -> Taxonomy:
    """Read and check a taxonomy.

    Args:
        setting: Name of a built-in taxonomy, or path of a file.

    Raises:
        ConfigurationError: It cannot be read or is not a valid taxonomy; the message says where.
    """
    return _checked(setting, taxonomy_text(setting))


@lru_cache(maxsize=8)
def _checked(setting: str, text: str) -> Taxonomy:
    try:
        taxonomy = Taxonomy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"topics.taxonomy: {setting} is not valid TOML: {error}.") from None
    except ValidationError as error:
        problems = "; ".join(_problem(problem) for problem in error.errors(include_url=False))
        raise ConfigurationError(f"topics.taxonomy: {setting} is not a valid taxonomy: {problems}.") from None
    names = [topic.name for topic in taxonomy.topics]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigurationError(
            f"topics.taxonomy: {setting} has several topics with the same name: {', '.join(repeated)}."
        )
    return taxonomy


def taxonomy_info(setting: str) -> ModelInfo:
    """Describe a taxonomy for the revision and the table `runs`; its digest depends on its content.

    Raises:
        ConfigurationError: It cannot be read or is not a valid taxonomy.
    """
    load_taxonomy(setting)
    digest = hashlib.sha256(taxonomy_text(setting).encode()).hexdigest()[:DIGEST_LENGTH]
    licence = "Apache-2.0" if setting in taxonomy_names() else "unknown"
    # The file name without its folder, so that moving the file does not change the revision.
    return ModelInfo("topics", Path(setting).name, _path(setting), licence, digest)


def _path(setting: str) -> Path:
    if setting in taxonomy_names():
        return Path(str(resources.files("pipeline.analysis").joinpath(_SHIPPED, f"{setting}.toml")))
    return Path(setting).expanduser().absolute()


def _problem(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {'unknown key' if problem['type'] == 'extra_forbidden' else problem['msg']}"
