"""`videolake report`: a video or the whole lake as one HTML file."""

from pathlib import Path

import click

from flows.web import lake_report, video_report
from pipeline.export import check_text_output, whole_file
from pipeline.lake import Lake, is_lake
from pipeline.view import LakeReader, format_size
from schemas.errors import ConfigurationError
from schemas.export import STDOUT


def write_report(what: str | None, lake: str | None, output: Path) -> None:
    """Write a report.

    Args:
        what: A video of the lake, or a lake, which then replaces `lake`.
        lake: The lake.
        output: File to write; `-` is standard output.

    Raises:
        ConfigurationError: There is neither a video nor a lake, or a video without a lake; or the file is an original,
            or named like media.
        LakeError: There is no such lake or video.
        ExportError: The file cannot be written.
    """
    opened, video = _read(what, lake)
    check_text_output(opened, output, "a report", ".html")
    page = lake_report(LakeReader(opened)) if video is None else video_report(opened, video)
    with whole_file(output) as path:
        path.write_text(page, encoding="utf-8")
    if output != STDOUT:
        click.echo(f"{output} ({format_size(output.stat().st_size)})", err=True)


def _read(what: str | None, lake: str | None) -> tuple[Lake, str | None]:
    """Return the lake, and the video if there is one."""
    # With a lake given, a URI names a video, so it is not opened to look for a lake.
    if what is not None and (lake is None or "://" not in what) and is_lake(what):
        return Lake(what), None
    if lake is not None:
        return Lake(lake), what
    if what is None:
        raise ConfigurationError("Name a lake, or a video with --lake LAKE.")
    raise ConfigurationError(f"There is no lake at {what}. If it is a video, name its lake with --lake LAKE.")
