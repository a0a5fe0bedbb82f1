"""`run`, `serve`, `automations`, `sample`, `compact`, `forget`: commands that fill and maintain a lake."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.exits import Command, reported
from flows.cli.options import configured, lake_option
from schemas.errors import ExportError

if TYPE_CHECKING:  # importing it takes longer than everything else here
    from schemas.config import Config


def _archive_options(command: Command) -> Command:
    """Add the arguments and options that `run` and `serve` share."""
    options = [
        click.argument("archive", nargs=-1, required=True),
        lake_option,
        click.option(
            "--engine",
            type=click.Choice(["ray", "inline"]),
            help="Use Ray workers (default), or run everything in this process, for debugging.",
        ),
        click.option(
            "--ray-address",
            metavar="ADDRESS",
            help="Address of a Ray cluster. Default: RAY_ADDRESS if set, otherwise a new local cluster.",
        ),
        click.option(
            "--workers", type=click.IntRange(1), help="Maximum number of workers. Default: as many as fit the cluster."
        ),
        click.option("--threads", type=click.IntRange(1), help="Threads per worker."),
        click.option("--shard-videos", type=click.IntRange(1), help="Maximum number of videos per shard (default 64)."),
        click.option(
            "--max-videos", type=click.IntRange(1), help="Maximum number of videos to analyse now; the rest wait."
        ),
        click.option("--language", metavar="CODE", help="Spoken language, such as `en`. Default: detect it."),
        click.option(
            "--summary-sentences", type=click.IntRange(1), help="Maximum number of summary sentences (default 5)."
        ),
        click.option(
            "--retry-failed",
            is_flag=True,
            default=None,
            help="Also retry videos that failed with a permanent error, such as a damaged file.",
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
@click.option("--quiet", is_flag=True, help="Print only the result, no progress.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only print what the run would do: which videos, how much video, and what it will cost by past runs.",
)
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print JSON.")
@reported
def run(
    archive: tuple[str, ...],
    lake: str,
    *,
    configure: "Callable[..., Config]",
    quiet: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Analyse the videos in ARCHIVE and write the results to a lake.

    ARCHIVE is any number of folders, files, globs, manifests (.txt, .csv or .parquet files that list paths) and URIs.
    Videos that are already in the lake are skipped, so run an interrupted command again to continue it.

    With --dry-run, the archive is listed and new files are read to identify them, but nothing is written or analysed.

    Exit codes: 0 success, 1 error, 2 bad usage, 3 some videos failed (see the table `errors`), 130 interrupted.
    """
    if as_json and not dry_run:
        raise click.UsageError("--json needs --dry-run.")
    if dry_run:
        from flows.commands.plan import print_plan

        config = configure(_overrides(options))
        print_plan(list(archive), lake, config, as_json=as_json, quiet=quiet)
        return
    from flows.prefect_setup import prepare_prefect
    from flows.temporary_server import start_server

    prepare_prefect(quiet=True)
    # Nothing takes longer to start. Where there is a lake already, there may be nothing to do.
    server = None if "://" in lake or os.path.exists(lake) else start_server()  # noqa: PTH110 - denied is no error here
    config = configure(_overrides(options))
    from flows.commands.run import run_archive

    sys.exit(run_archive(list(archive), lake, config, server, quiet=quiet))


@click.command()
@_archive_options
@click.option("--cron", metavar="EXPRESSION", help='Cron schedule, such as "0 2 * * *" for 2 a.m. every day.')
@click.option("--interval", type=click.FloatRange(1), metavar="SECONDS", help="Seconds between runs.")
@click.option("--name", help="Name of the deployment. Default: the name of the lake.")
@reported
def serve(
    archive: tuple[str, ...],
    lake: str,
    *,
    configure: "Callable[..., Config]",
    cron: str | None,
    interval: float | None,
    name: str | None,
    **options: Any,
) -> None:
    """Analyse ARCHIVE on a schedule, as a Prefect deployment.

    Registers the deployment and serves it until stopped. Without --cron or --interval, it waits for runs that are
    started in the Prefect UI. Set PREFECT_API_URL first.
    """
    from flows.commands.serve import serve_archive

    serve_archive(list(archive), lake, configure(_overrides(options)), cron=cron, interval=interval, name=name)


@click.command()
@click.option(
    "--notify", metavar="TYPE/NAME", help="Prefect block that sends notifications, such as slack-webhook/team."
)
@reported
def automations(notify: str | None) -> None:
    """Register automations on the Prefect server: they end crashed runs and send notifications.

    Runs whose process or machine has died end as Crashed within two minutes, which frees their slot. With --notify, the
    block is told of runs that fail, and of runs in which many videos fail (report.high_error_rate).

    Run it again at any time. It restores the automations, and does not enable those that you have disabled.
    """
    from flows.commands.automations import register

    register(notify)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@reported
def sample(folder: Path) -> None:
    """Make a small sample archive in FOLDER.

    It has real clips, videos with known content, and one damaged file.
    """
    from pipeline.extras.sample import make_sample

    try:
        for path in make_sample(folder):
            click.echo(path)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}. Name another folder.") from error


@click.command()
@lake_option
@reported
def compact(lake: str) -> None:
    """Merge the small files of a lake and remove superseded rows.

    Reading through Videolake is not affected. Programs that read the files themselves should wait until it ends.
    """
    from pipeline.lake import Lake
    from pipeline.run import load_config

    opened = Lake(lake)
    with opened.lock(single_writer=load_config().lake.single_writer):
        done = opened.compact()
    click.echo(f"Merged {done.files_before:,} files into {done.files_after:,}; removed {done.rows_removed:,} old rows.")


@click.command()
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...")
@lake_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
@click.option("--undo", is_flag=True, help="Let runs analyse videos again that were forgotten.")
@reported
def forget(videos: tuple[str, ...], lake: str, *, yes: bool, dry_run: bool, undo: bool) -> None:
    """Remove videos from a lake for good.

    VIDEO is an id, the start of an id, a path, a URI or a file name. This removes every row, thumbnail, report and
    index entry of the video, and deletes the files that held them. Only its id stays, so that runs leave it out.

    --undo takes an id, or a file with the same content. What was removed does not come back until a run analyses it.

    If it is interrupted, nobody sees the video any more, and the same command or the next run does the rest.
    """
    from flows.commands.forget import forget_videos, undo_forget
    from pipeline.run import load_config

    single_writer = load_config().lake.single_writer
    if undo:
        undo_forget(videos, lake, single_writer=single_writer)
    else:
        forget_videos(videos, lake, yes=yes, dry_run=dry_run, single_writer=single_writer)
