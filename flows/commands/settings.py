"""`videolake config`, `models` and `taxonomy`: what is set, which models that means, and which topics there are."""

import json
import textwrap

import click

from pipeline.analysis.scenes import load_taxonomy, taxonomy_text
from pipeline.run import models_of
from schemas.config import Config


def settings_toml(config: Config) -> str:
    """Write a configuration as TOML, each setting with its meaning."""
    lines: list[str] = []
    for section in Config.model_fields:
        made = getattr(config, section)
        about = (type(made).__doc__ or "").strip()
        lines += [f"# {about}", f"[{section}]"]
        for key, field in type(made).model_fields.items():
            meaning = " ".join((field.description or "").split())
            lines += [f"# {line}" for line in textwrap.wrap(meaning, 110)]
            value = getattr(made, key)
            # TOML knows no null: what is not set is shown as a comment.
            lines.append(f"# {key} =" if value is None else f"{key} = {json.dumps(value)}")
        lines.append("")
    return "\n".join(lines)


def print_taxonomy(setting: str) -> None:
    """Print a taxonomy that is sound.

    Raises:
        ConfigurationError: It cannot be read, or is none.
    """
    load_taxonomy(setting)
    click.echo(taxonomy_text(setting), nl=False)


def print_models(config: Config) -> None:
    """List the models of a configuration.

    Raises:
        ModelError: One cannot be found.
    """
    for model in models_of(config):
        click.echo(f"{model.role:<9} {model.id:<30} {model.licence:<14} {model.digest[:12]}  {model.path}")
