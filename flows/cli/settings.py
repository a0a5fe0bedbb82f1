"""`config`, `taxonomy`, `models`: commands that print what a run would use."""

import json
from collections.abc import Callable

import click

from flows.cli.exits import reported
from flows.cli.options import configured
from schemas.config import Config


@click.command()
@configured
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reported
def config(*, configure: Callable[..., Config], as_json: bool) -> None:
    """Print and explain every setting, as a TOML file for --config.

    Settings come from the defaults, --profile, --config, environment variables VIDEOLAKE_SECTION__KEY, and --set. Later
    sources override earlier ones.
    """
    from flows.commands.settings import settings_toml

    loaded = configure({})
    click.echo(json.dumps(loaded.model_dump(mode="json"), indent=2) if as_json else settings_toml(loaded), nl=as_json)


@click.command()
@click.argument("name", default="general")
@reported
def taxonomy(name: str) -> None:
    """Print the taxonomy NAME (default: general), to edit and use as topics.taxonomy.

    \b
    videolake taxonomy > mine.toml
    videolake run ./videos --lake ./lake --set topics.taxonomy=mine.toml

    NAME can also be a file, which is checked before it is printed.
    """
    from flows.commands.settings import print_taxonomy

    print_taxonomy(name)


@click.command()
@configured
@reported
def models(*, configure: Callable[..., Config]) -> None:
    """List the models of the configuration, with licence, digest and location."""
    from flows.commands.settings import print_models

    print_models(configure({}))
