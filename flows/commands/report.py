"""`videolake report`: a video or the whole lake as one file of HTML."""

from pathlib import Path

import click

from flows.web.report import lake_report, video_report
from pipeline.lake import Lake
from schemas.errors import ConfigurationError, LakeError


def write_report(what: str | None, lake: str | None, output: Path) -> None:
    """Write a report.

    Args:
        what: A video of the lake; where no lake is named, the lake itself.
        lake: The lake.
        output: File to write.

    Raises:
        ConfigurationError: Neither a video nor a lake was named.
        LakeError: There is no such lake or video, or the file cannot be written.
    """
    if lake is None and what is None:
        raise ConfigurationError("Name a lake, or a video with --lake LAKE.")
    page = lake_report(Lake(what or lake or "")) if lake is None or what is None else video_report(Lake(lake), what)
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise LakeError(f"{output} cannot be written: {error.strerror or error}.") from error
    click.echo(f"{output} ({output.stat().st_size / 1e6:.1f} MB)", err=True)
