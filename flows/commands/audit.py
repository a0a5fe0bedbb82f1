"""`videolake audit`: are results worse for some groups of videos?"""

import json
from dataclasses import asdict
from pathlib import Path

import click

from pipeline.export import one_line
from pipeline.extras.audit import disparities, groups_by_expression, groups_of_file, measure_videos, word_error_rates
from pipeline.lake import Lake
from schemas.audit import Disparity
from schemas.errors import ConfigurationError

_SIGNIFICANT = 0.05


def print_audit(
    lake: str, *, by: str | None, groups: Path | None, references: Path | None, min_videos: int, as_json: bool
) -> None:
    """Compare groups of videos and print how they differ.

    Raises:
        ConfigurationError: Neither or both of `by` and `groups` are given, or a file cannot be read.
        LakeError: The lake cannot be read, or a video is not in it.
    """
    if (by is None) == (groups is None):
        raise ConfigurationError("Give --by COLUMN or --groups FILE.")
    opened = Lake(lake)
    grouped = groups_by_expression(opened, by) if by else groups_of_file(opened, groups or Path())
    values = measure_videos(opened)
    if references:
        transcripts = groups_of_file(opened, references, "text")
        values = {"word_error_rate": word_error_rates(opened, transcripts)} | values
    found = disparities(values, grouped, min_videos=min_videos)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo(f"There is nothing to compare: at least two groups of {min_videos} or more videos are needed.")
        return
    for each in found:
        _print(each)
    click.echo(
        f"\nOf {len(found)} measures, about one in twenty differs by chance alone. All except failures and word errors "
        "are the models' own confidence. --references FILE measures their errors."
    )


def _print(found: Disparity) -> None:
    significant = found.p_value < _SIGNIFICANT
    mark = click.style("differs", fg="yellow", bold=True) if significant else "within chance"
    better = f" ({found.better} is better)" if found.better else ""
    click.echo(f"\n{click.style(found.measure, bold=True)}  {mark}, gap {found.gap:.3f}, p {found.p_value:.3f}")
    click.echo(f"  {found.meaning}{better}")
    for score in found.groups:
        interval = f"[{score.low:.3f}, {score.high:.3f}]"
        click.echo(f"  {one_line(score.group):<24} {score.mean:>8.3f}  {interval:<18} {score.videos} videos")
