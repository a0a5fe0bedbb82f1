"""`videolake runs`: what past runs did and cost."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from flows.plan_table import by_stage
from pipeline.export import one_line
from pipeline.lake import Lake
from pipeline.language import format_duration, format_time
from pipeline.run import COSTS, Difference, RunRecord, differences, find_run, read_runs

_WIDTH = 180


def print_runs(lake: str, *, limit: int, as_json: bool) -> None:
    """Print the newest runs of a lake.

    Raises:
        LakeError: The lake cannot be read.
    """
    runs = read_runs(Lake(lake), limit)
    if as_json:
        click.echo(_json([_short(run) for run in runs]))
    elif runs:
        _print_table(runs)
    else:
        click.echo("No run has ended in this lake yet.")


def print_run(lake: str, run_id: str, *, as_json: bool) -> None:
    """Print one run, and how it differs from the run before.

    Raises:
        LakeError: The lake cannot be read, or has no such run.
    """
    run, before = find_run(Lake(lake), run_id)
    changed = differences(before, run) if before else ()
    if as_json:
        earlier = {"before": before.run_id if before else None, "differences": [asdict(each) for each in changed]}
        click.echo(_json(_plain(run) | earlier))
        return
    for name, value in _facts(run):
        click.echo(f"{click.style(f'{name:<11}', bold=True)} {one_line(value)}")
    for title, items in (("Models", run.models), ("Versions", run.versions)):
        click.echo(f"\n{click.style(title, bold=True)}")
        for name, value in items.items():
            click.echo(f"  {name:<22} {one_line(value)}")
    if before is None:
        click.echo("\nThis is the first run of the lake.")
        return
    click.echo(f"\n{click.style(f'Differences from the run before, {before.run_id}', bold=True)}")
    for each in changed:
        click.echo(f"  {_difference(each)}")
    if not changed:
        click.echo("  none")


def _print_table(runs: Sequence[RunRecord]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = [cost for cost in COSTS if any(round(run.compute_s[cost]) for run in runs)]
    left = ("run", "started (UTC)", "state")
    numbers = ("ok", "failed", "skipped", "video", "wall", "x real time", "compute", *shown)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in (*left, *numbers):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    for run in runs:
        counts = (run.videos_ok, run.videos_failed, run.videos_skipped)
        table.add_row(
            run.run_id, f"{run.started_at:%Y-%m-%d %H:%M}", run.state.replace("_", " "),
            *(f"{count:,}" for count in counts), format_time(run.video_s), format_time(run.wall_s),
            f"{run.real_time:.1f}", format_time(run.total_s), *(format_time(run.compute_s[cost]) for cost in shown),
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _facts(run: RunRecord) -> Iterator[tuple[str, str]]:
    yield "run", run.run_id
    yield "state", run.state.replace("_", " ")
    yield "archive", ", ".join(run.archive)
    yield "started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "finished", f"{run.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    yield (
        "videos",
        (
            f"{run.videos_ok:,} analysed, {run.videos_failed:,} failed, {run.videos_skipped:,} skipped, "
            f"of {run.videos_found:,} in the archive"
        ),
    )
    yield "video", f"{format_duration(run.video_s)}, {run.real_time:.1f} x real time"
    yield "wall-clock", format_duration(run.wall_s)
    yield "compute", f"{format_duration(run.total_s)}: {by_stage(run.compute_s) or '–'}"
    yield "revision", run.revision
    if run.prefect_flow_run_id:
        yield "Prefect", run.prefect_flow_run_id


def _difference(each: Difference) -> str:
    return one_line(f"{each.kind} {each.name}: {_value(each.before)} -> {_value(each.after)}")


def _value(value: Any) -> str:  # noqa: ANN401 - of a setting, as JSON has it
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)


def _plain(run: RunRecord) -> dict[str, Any]:
    times = {"started_at": run.started_at.isoformat(), "finished_at": run.finished_at.isoformat()}
    return asdict(run) | times | {"real_time": run.real_time}


def _short(run: RunRecord) -> dict[str, Any]:
    return {name: value for name, value in _plain(run).items() if name not in {"settings", "models", "versions"}}


def _json(value: Any) -> str:  # noqa: ANN401 - what JSON can hold
    return json.dumps(value, ensure_ascii=False, indent=2)
