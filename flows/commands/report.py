"""`videolake report`: a video or the whole lake as one file of HTML."""

from pathlib import Path

import click

from flows.web.report import lake_report, video_report
from pipeline.export.names import whole_file
from pipeline.export.outputs import check_text_output
from pipeline.lake import Lake
from schemas.errors import ConfigurationError


def write_report(what: str | None, lake: str | None, output: Path) -> None:
    """Write a report.

    Args:
        what: A video of the lake; where no lake is named, the lake itself.
        lake: The lake.
        output: File to write.

    Raises:
        ConfigurationError: Neither a video nor a lake was named; or the file is an original, or named as one.
        LakeError: There is no such lake or video.
        ExportError: The file cannot be written.
    """
    if lake is None and what is None:
        raise ConfigurationError("Name a lake, or a video with --lake LAKE.")
    opened = Lake(lake or what or "")
    check_text_output(opened, output, "a report", ".html")
    page = lake_report(opened) if lake is None or what is None else video_report(opened, what)
    with whole_file(output) as path:
        path.write_text(page, encoding="utf-8")
    click.echo(f"{output} ({output.stat().st_size / 1e6:.1f} MB)", err=True)
