"""`videolake serve`: serve the flow as a Prefect deployment, on a schedule."""

import os
from pathlib import Path

import click

from flows.prefect_setup import prepare_prefect
from pipeline.locations import location_of, own_path
from pipeline.models import allow_python_models
from pipeline.run import allow_setting_files
from schemas.config import Config
from schemas.errors import ConfigurationError


def serve_archive(
    archive: list[str], lake: str, config: Config, *, cron: str | None, interval: float | None, name: str | None
) -> None:
    """Register a deployment and serve it until the process is stopped.

    Only one of its runs is active at a time; a run that is due meanwhile is skipped. The lake's own lock keeps out
    other deployments and commands. An automation ends crashed runs, which would otherwise keep out all later ones.

    Raises:
        ConfigurationError: Both schedules were given, the cron expression is invalid, no server answers, or the
            deployment of this name fills another lake.
    """
    if cron and interval:
        raise ConfigurationError("Give --cron or --interval, not both.")
    prepare_prefect(quiet=False)
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.types.entrypoint import EntrypointType

    from flows.archive import analyze_archive
    from flows.commands.automations import end_crashed_runs
    from flows.naming import lake_name
    from flows.parameters import parameters_of

    if config.workers.ray_address:
        # Its runs may join this cluster, and no other one that somebody writes into the form of a run.
        os.environ["RAY_ADDRESS"] = config.workers.ray_address
    allow_python_models(config)
    allow_setting_files(config)
    end_crashed_runs()
    lake = lake if "://" in lake else str(Path(lake).expanduser().absolute())
    roots = [root if "://" in root else location_of(own_path(Path(root).expanduser())) for root in archive]
    try:
        analyze_archive.serve(
            name=name or _deployment_name(lake),
            cron=cron,
            interval=interval,
            parameters={"archive": roots, "lake": lake, **parameters_of(config)},
            tags=["videolake", f"lake:{lake_name(lake)}"],
            description=f"Analyses {', '.join(roots)} into {lake}.",
            global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
            limit=1,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
    except ValueError as error:
        raise ConfigurationError(f"Invalid schedule: {error}") from error
    except KeyboardInterrupt:
        click.echo("Stopped serving. The schedule is paused.", err=True)


def _deployment_name(lake: str) -> str:
    """Return the name of the lake, unless that is the deployment of another lake with this name."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    from flows.naming import FLOW, lake_name

    name = lake_name(lake)
    try:
        with get_client(sync_client=True) as client:
            other = client.read_deployment_by_name(f"{FLOW}/{name}").parameters.get("lake", lake)
    except ObjectNotFound:
        return name
    if other != lake:
        raise ConfigurationError(f"The deployment {name} fills the lake {other}. Give this one another --name.")
    return name
