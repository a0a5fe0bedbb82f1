"""`run`, `serve`, `sample`, `compact`: what fills a lake, and keeps it in order."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from flows.cli.exits import Command, reported
from flows.cli.options import configured, lake_option
from schemas.config import Config


def _archive_options(command: Command) -> Command:
    """Add what `run` and `serve` share."""
    options = [
        click.argument("archive", nargs=-1, required=True),
        lake_option,
        click.option(
            "--engine",
            type=click.Choice(["ray", "inline"]),
            help="`inline` runs everything in this process, for debugging.",
        ),
        click.option(
            "--ray-address", metavar="ADDRESS", help="A running Ray cluster; default: RAY_ADDRESS, else a local one."
        ),
        click.option(
            "--workers", type=click.IntRange(1), help="Workers at most; default: as many as the cluster holds."
        ),
        click.option("--threads", type=click.IntRange(1), help="Threads of each worker."),
        click.option("--shard-videos", type=click.IntRange(1), help="Videos a shard at most (default 64)."),
        click.option("--max-videos", type=click.IntRange(1), help="Analyse at most so many new videos now."),
        click.option("--language", metavar="CODE", help="Spoken language, as `en`; default: detect it."),
        click.option("--summary-sentences", type=click.IntRange(1), help="Sentences in a summary at most (default 5)."),
        click.option(
            "--retry-failed", is_flag=True, default=None, help="Also try videos again whose failure would come again."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return configured(command)


def _overrides(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "workers": {
            "engine": options["engine"],
            "ray_address": options["ray_address"],
            "max_workers": options["workers"],
            "threads": options["threads"],
        },
        "shards": {"max_videos": options["shard_videos"]},
        "limits": {"max_videos": options["max_videos"]},
        "speech": {"language": options["language"]},
        "summary": {"sentences": options["summary_sentences"]},
        "archive": {"retry_failed": options["retry_failed"]},
    }


@click.command()
@_archive_options
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
@reported
def run(archive: tuple[str, ...], lake: str, *, configure: Callable[..., Config], quiet: bool, **options: Any) -> None:
    """Analyse the videos of ARCHIVE and put what is found in a lake.

    ARCHIVE is any number of folders, files, globs, manifests (.txt, .csv, .parquet of paths) and URIs. What is in the
    lake already is not done again, so an interrupted run goes on where it stopped.

    Exit code: 0 all well, 3 some videos failed (see the table `errors`), 2 bad usage, 1 other errors, 130 stopped.
    """
    from flows.commands.run import run_archive

    sys.exit(run_archive(list(archive), lake, configure(_overrides(options)), quiet=quiet))


@click.command()
@_archive_options
@click.option("--cron", metavar="EXPRESSION", help='When to run, as "0 2 * * *" for two at night.')
@click.option("--interval", type=click.FloatRange(1), metavar="SECONDS", help="Run every so many seconds.")
@click.option("--name", help="Name of the deployment; default: the lake's.")
@reported
def serve(
    archive: tuple[str, ...],
    lake: str,
    *,
    configure: Callable[..., Config],
    cron: str | None,
    interval: float | None,
    name: str | None,
    **options: Any,
) -> None:
    """Run the same on a schedule: registers a deployment with the Prefect server and serves it until stopped.

    Without --cron or --interval it waits for runs that are started in the Prefect UI. Needs PREFECT_API_URL.
    """
    from flows.commands.serve import serve_archive

    serve_archive(list(archive), lake, configure(_overrides(options)), cron=cron, interval=interval, name=name)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@reported
def sample(folder: Path) -> None:
    """Make a small archive in FOLDER to try things on: real clips, films of known content, one broken file."""
    from pipeline.extras.sample import make_sample

    for path in make_sample(folder):
        click.echo(path)


@click.command()
@lake_option
@reported
def compact(lake: str) -> None:
    """Merge small files of a lake and drop rows that newer ones supersede. Readers are not disturbed."""
    from pipeline.lake import Lake

    done = Lake(lake).compact()
    click.echo(f"{done.files_before:,} files became {done.files_after:,}; {done.rows_removed:,} old rows dropped")
