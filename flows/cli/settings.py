"""`config`, `taxonomy`, `models`: what a run would do."""

import json
from collections.abc import Callable

import click

from flows.cli.exits import reported
from flows.cli.options import configured
from schemas.config import Config


@click.command()
@configured
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@reported
def config(*, configure: Callable[..., Config], as_json: bool) -> None:
    """Print every setting with its meaning, as a TOML file that --config takes.

    Sources, each over the one before: defaults, --profile, --config, VIDEOLAKE_SECTION__KEY in the environment, --set.
    """
    from flows.commands.settings import settings_toml

    made = configure({})
    click.echo(json.dumps(made.model_dump(mode="json"), indent=2) if as_json else settings_toml(made), nl=as_json)


@click.command()
@click.argument("name", default="general")
@reported
def taxonomy(name: str) -> None:
    """Print the taxonomy NAME (default: general), to edit and to name as topics.taxonomy.

    \b
    videolake taxonomy > mine.toml
    videolake run ./videos --lake ./lake --set topics.taxonomy=mine.toml

    NAME may also be a file: what is wrong with it is then said.
    """
    from flows.commands.settings import print_taxonomy

    print_taxonomy(name)


@click.command()
@configured
@reported
def models(*, configure: Callable[..., Config]) -> None:
    """List the models that the configuration names, with licence and where they are."""
    from flows.commands.settings import print_models

    print_models(configure({}))
