"""`videolake report`: a video or the whole lake as one file of HTML."""

import sys
from pathlib import Path

import click

from flows.web import lake_report, video_report
from pipeline.export import check_text_output, whole_file
from pipeline.lake import Lake, is_lake
from schemas.errors import ConfigurationError


def write_report(what: str | None, lake: str | None, output: Path) -> None:
    """Write a report.

    Args:
        what: A video of the lake; or the lake itself, which then is that, whatever `lake` says.
        lake: The lake.
        output: File to write; `-` is standard output.

    Raises:
        ConfigurationError: Neither a video nor a lake was named, or a video without a lake; or the file is an original,
            or named as one.
        LakeError: There is no such lake or video.
        ExportError: The file cannot be written.
    """
    opened, video = _read(what, lake)
    printed = str(output) == "-"
    if not printed:
        check_text_output(opened, output, "a report", ".html")
    page = lake_report(opened) if video is None else video_report(opened, video)
    if printed:
        sys.stdout.buffer.write(page.encode())
        return
    with whole_file(output) as path:
        path.write_text(page, encoding="utf-8")
    click.echo(f"{output} ({output.stat().st_size / 1e6:.1f} MB)", err=True)


def _read(what: str | None, lake: str | None) -> tuple[Lake, str | None]:
    """Return the lake and the video that are meant."""
    # With a lake named, a URI is that of a video: its place is not asked.
    if what is not None and (lake is None or "://" not in what) and is_lake(what):
        return Lake(what), None
    if lake is not None:
        return Lake(lake), what
    if what is None:
        raise ConfigurationError("Name a lake, or a video with --lake LAKE.")
    raise ConfigurationError(f"There is no lake at {what}. If it is a video, say of which lake, with --lake LAKE.")
