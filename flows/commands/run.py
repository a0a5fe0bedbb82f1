"""`videolake run`: run the flow and show its progress in the terminal."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from flows.prefect_setup import prepare_prefect
from flows.temporary_server import TemporaryServer, start_server
from pipeline.locations import location_of
from schemas.config import Config
from schemas.errors import ConfigurationError
from schemas.outcome import RunResult
from workers import connecting
from workers.lean_imports import keep_pandas_out, without_garbage_collection

if TYPE_CHECKING:
    from flows.commands.peek import Peek

_MAX_SHOWN = 12


def run_archive(
    archive: list[str], lake: str, config: Config, server: TemporaryServer | None = None, *, quiet: bool
) -> int:
    """Run the flow and return the exit code.

    Args:
        archive: What to analyse.
        lake: Where the results go.
        config: The whole configuration.
        server: Prefect's temporary server, if it has been started; None starts one if it is needed.
        quiet: Print only the result.

    Raises:
        VideolakeError: The run could not start or continue; the message says why.
    """
    prepare_prefect(quiet=True)
    from flows.commands.peek import peek

    archive = [location_of(root) for root in archive]
    seen = peek(archive, lake, config)
    if seen.nothing_to_do:
        click.echo(seen.nothing_to_do)
        return 0
    if not quiet:
        click.echo("Starting Prefect …", err=True)
    try:
        result = _analysed(archive, lake, config, seen, server, quiet=quiet)
    except KeyboardInterrupt:
        click.echo("Stopped. Finished videos are kept. Run the same command again to continue.", err=True)
        return 130
    if result is None:
        return 3
    _report(result)
    return 3 if result.failed else 0


def _analysed(
    archive: list[str],
    lake: str,
    config: Config,
    seen: "Peek",
    server: TemporaryServer | None,
    *,
    quiet: bool,
) -> RunResult | None:
    """Start what the flow needs, beside the imports, and run it. Return None if nothing could be analysed."""
    server = server or start_server()
    keep_pandas_out(config)
    with connecting(config, seen.stages, seen.videos) as connected:
        try:
            return _flow(archive, lake, config, server, connected, quiet=quiet)
        except KeyboardInterrupt:
            click.echo("\nStopping …", err=True)  # processes of Ray take seconds
            raise


def _flow(
    archive: list[str],
    lake: str,
    config: Config,
    server: TemporaryServer | None,
    connected: Callable[[], None],
    *,
    quiet: bool,
) -> RunResult | None:
    # Everything waits for the worker. Beside the imports, Ray would take four times as long to start it.
    connected()
    with without_garbage_collection():
        from flows.archive import NothingAnalysedError, analyze_archive
        from flows.display import make_display
        from flows.heartbeat import only_our_heartbeat
        from flows.parameters import parameters_of
        from flows.progress import watched_by
    if server is not None:
        server.wait()
    display = make_display(quiet=quiet)
    try:
        with only_our_heartbeat(), display, watched_by(display.show):
            return analyze_archive(archive, lake, **parameters_of(config))
    except NothingAnalysedError as error:
        click.echo(f"error: {error}", err=True)
        return None
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):  # Prefect's words
            raise
        raise _unreachable(server) from error


def _unreachable(server: TemporaryServer | None) -> ConfigurationError:
    if server is not None:
        return server.failure()
    address = os.environ.get("PREFECT_API_URL", "the address in your profile")
    return ConfigurationError(
        f"The Prefect server at {address} does not answer. "
        "Start it, or unset PREFECT_API_URL: each run then starts a temporary server."
    )


def _report(result: RunResult) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pipeline.lake import file_name
    from pipeline.language import format_time

    console = Console(width=None if sys.stdout.isatty() else 160)
    ok = [outcome for outcome in result.outcomes if outcome.status == "ok"]
    failed = [outcome for outcome in result.outcomes if outcome.status == "failed"]
    if ok:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("video", "length", "language", "shots", "words", "headline"):
            right = name in {"length", "shots", "words"}
            table.add_column(name, justify="right" if right else "left", no_wrap=name != "headline")
        for outcome in ok[:_MAX_SHOWN]:
            table.add_row(
                Text(file_name(outcome.uri)), format_time(outcome.duration_s), outcome.language or "–",
                str(outcome.shots), str(outcome.words), Text(outcome.headline),
            )  # fmt: skip
        console.print(table)
        if result.ok > len(ok[:_MAX_SHOWN]):
            console.print(f"… and {result.ok - _MAX_SHOWN} more")
    for outcome in failed[:_MAX_SHOWN]:
        console.print(Text(f"failed  {outcome.error_kind}: {outcome.error_message}", style="red"))
    if result.failed > len(failed[:_MAX_SHOWN]):
        console.print(f"… and {result.failed - _MAX_SHOWN} more in the table `errors`")
    incomplete = [outcome for outcome in ok if outcome.stage_errors]
    for outcome in incomplete[:_MAX_SHOWN]:
        for stage, message in outcome.stage_errors.items():
            console.print(Text(f"incomplete  {stage} failed: {message}", style="red"))
    speed = f" ({result.video_s / result.wall_s:.1f} x real time)" if result.wall_s and result.video_s else ""
    console.print(
        f"\n{result.ok} analysed, {result.failed} failed, {result.done_before} already in the lake: "
        f"{format_time(result.video_s)} of video in {format_time(result.wall_s)}{speed}"
    )
    for line in _left_out(result):
        console.print(Text(line))
    console.print(Text(f"Lake: {result.lake}"))


def _left_out(result: RunResult) -> Iterator[str]:
    """Yield what became of known files, and what the run did not analyse, and why."""
    from pipeline.run import Skipped, location_lines

    yield from location_lines(result.locations)
    if result.incomplete:
        yield f"{result.incomplete} of the analysed videos lack a stage; the next run tries it again."
    if result.failed_before:
        yield f"{result.failed_before} failed before; --retry-failed tries them again."
    if result.forgotten:
        number = f"{result.forgotten} video{'' if result.forgotten == 1 else 's'}"
        yield f"{number} left out, because of `videolake forget`; --undo there brings a video back."
    skipped = Counter(result.skipped_extensions), result.broken_links, Counter(result.empty_folders)
    yield from Skipped(*skipped).lines()
    if result.postponed:
        yield f"{result.postponed} left for a later run."
