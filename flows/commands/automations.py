"""`videolake automations`: register the automations that end crashed runs and send notifications."""

import click
import httpx

from flows.prefect_setup import prepare_prefect, require_server
from schemas.errors import ConfigurationError


def register(notify: str | None) -> None:
    """Register the automations and print their names.

    Raises:
        ConfigurationError: No server is configured, it does not answer, or the block cannot send notifications.
    """
    prepare_prefect(quiet=True)
    try:
        names = _registered("automations", notify)
    except httpx.HTTPStatusError as error:
        raise ConfigurationError(f"The Prefect server did not take the automations: {error}") from error
    for name in names:
        click.echo(name)
    if notify is None:
        click.echo("For notifications, add --notify with a notification block, such as slack-webhook/team.", err=True)


def end_crashed_runs() -> None:
    """Register the automations that end crashed runs, for `serve`. If the server has no automations, runs still work.

    Raises:
        ConfigurationError: No server is configured, or it does not answer.
    """
    try:
        _registered("serve")
    except httpx.HTTPStatusError as error:
        click.echo(f"warning: crashed runs will stay Running, as automations cannot be made: {error}", err=True)


def _registered(command: str, notify: str | None = None) -> list[str]:
    address = require_server(command)
    from flows.automations import register_automations

    try:
        return register_automations(notify)
    except httpx.TransportError as error:
        raise ConfigurationError(
            f"The Prefect server at {address} does not answer: {error}. Start it first."
        ) from error
