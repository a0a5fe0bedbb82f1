"""`config`, `taxonomy`, `models`: commands that print what a run would use."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from flows.cli.exits import reported
from flows.cli.options import configured

if TYPE_CHECKING:  # importing it takes longer than everything else here
    from schemas.config import Config


@click.command()
@configured
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reported
def config(*, configure: "Callable[..., Config]", as_json: bool) -> None:
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
@click.option(
    "--fetch",
    "profile_to_fetch",
    metavar="[PROFILE]",
    is_flag=False,
    flag_value="",
    help="Download the models of PROFILE (or of the configuration), verify their checksums, and load each once.",
)
@reported
def models(*, configure: "Callable[..., Config]", profile_to_fetch: str | None) -> None:
    """List the models of the configuration, with licence, size, digest and location.

    \b
    videolake models                    # the default models
    videolake models --profile network  # those of a profile; what is missing is downloaded
    videolake models --fetch network    # download, verify and load all of them, so that a run finds them here
    """
    from flows.commands.models import fetch_models, print_models

    if profile_to_fetch is None:
        print_models(configure({}))
    else:
        fetch_models(configure({}, profile_to_fetch or None))
