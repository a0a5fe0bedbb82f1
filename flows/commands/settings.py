"""`videolake config` and `taxonomy`: print the settings and the topics."""

import textwrap

import click

from pipeline.analysis.taxonomy import load_taxonomy, taxonomy_text
from pipeline.run import toml_value
from schemas.config import Config


def settings_toml(config: Config) -> str:
    """Return a configuration as TOML, with a comment that explains each setting."""
    lines: list[str] = []
    for name in Config.model_fields:
        section = getattr(config, name)
        lines += [f"# {(type(section).__doc__ or '').strip()}", f"[{name}]"]
        for key, field in type(section).model_fields.items():
            description = " ".join((field.description or "").split())
            lines += [f"# {line}" for line in textwrap.wrap(description, 110)]
            value = getattr(section, key)
            # TOML has no null, so a setting without a value is a comment.
            lines.append(f"# {key} =" if value is None else f"{key} = {toml_value(value)}")
        lines.append("")
    return "\n".join(lines)


def print_taxonomy(setting: str) -> None:
    """Check a taxonomy and print it.

    Raises:
        ConfigurationError: It cannot be read, or is not a valid taxonomy.
    """
    load_taxonomy(setting)
    click.echo(taxonomy_text(setting), nl=False)
