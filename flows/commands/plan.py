"""`videolake run --dry-run`: say what a run would do, without Prefect, and without writing anything."""

import json
import sys
from dataclasses import asdict

import click

from flows.display import make_display
from flows.plan_table import plan_rows
from flows.progress import Tally, watched_by
from pipeline.locations import location_of
from pipeline.run import PlanReport, plan_archive
from schemas.config import Config
from workers import digest_on_workers


def print_plan(archive: list[str], lake: str, config: Config, *, as_json: bool, quiet: bool) -> None:
    """List and identify an archive as a run does, and print the plan.

    Raises:
        VideolakeError: The run could not start; the message says why.
    """
    archive = [location_of(root) for root in archive]
    tally, display = Tally(), make_display(quiet=quiet or as_json)
    with display, watched_by(display.show), digest_on_workers(config.workers) as digest_chunks:
        plan = plan_archive(
            archive,
            lake,
            config,
            progress=lambda count: tally.update(stage="discover", files_found=count),
            digest_chunks=digest_chunks,
        )
    if as_json:
        click.echo(json.dumps(asdict(plan) | {"videos": plan.videos}, ensure_ascii=False, indent=2))
    else:
        _print(plan)


def _print(plan: PlanReport) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(box=None, show_header=False, pad_edge=False)
    for column in ("bold", "", "dim"):
        table.add_column(style=column, justify="right" if column == "" else "left", no_wrap=column != "dim")
    for row in plan_rows(plan):
        table.add_row(*row.values())
    console.print(table)
    click.echo()
    for line in plan.notes:
        click.echo(line)
    click.echo("Nothing was written. Run without --dry-run to start." if plan.videos else "Nothing to do.")
