"""`sql`, `show`, `browse`, `report`, `audit`: what a lake holds, for people and programs."""

from pathlib import Path
from typing import Any

import click

from flows.cli.exits import reported
from flows.cli.options import lake_option


@click.command()
@click.argument("query")
@lake_option
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "jsonl"]), default="table", show_default=True
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write a file instead: .parquet, .csv, .json or .jsonl."
)
@click.option(
    "--spreadsheet", is_flag=True, help="CSV that is safe to open in a spreadsheet: no text is taken for a formula."
)
@reported
def sql(query: str, lake: str, *, form: str, output: Path | None, spreadsheet: bool) -> None:
    """Ask the lake in SQL (DuckDB's).

    \b
    Tables: videos, shots, frames, utterances, scenes, summaries, errors, runs, sources, moments. For example:
      videolake sql "SELECT uri, start_s, text FROM utterances JOIN videos USING (video_id)
                     WHERE text ILIKE '%telescope%'" --lake LAKE
      videolake sql "DESCRIBE frames" --lake LAKE
    """
    from flows.commands.query import print_query

    print_query(query, lake, form=form, output=output, spreadsheet=spreadsheet)


@click.command()
@click.argument("video")
@lake_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@reported
def show(video: str, lake: str, *, as_json: bool) -> None:
    """Show what the lake says of VIDEO: its id, the start of its id, a path, URI or file name."""
    from flows.commands.show import print_video

    print_video(video, lake, as_json=as_json)


@click.command()
@lake_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others than this machine's own need the token.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; default: 8765, or a free one where that is taken.")
@click.option(
    "--token",
    metavar="TOKEN",
    help="What a browser has to show; default: none on this machine, else a new one is made.",
)
@click.option(
    "--media-root",
    "media_roots",
    multiple=True,
    metavar="PLACE",
    help="Play originals only from this folder or URI; may be given several times.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@reported
def browse(
    lake: str, *, host: str, port: int | None, token: str | None, media_roots: tuple[str, ...], open_browser: bool
) -> None:
    """See the lake as a web page: videos, search, players that go to the moment, transcripts, timelines, errors."""
    from flows.commands.browse import browse_lake

    browse_lake(lake, host=host, port=port, token=token, media_roots=media_roots, open_browser=open_browser)


@click.command()
@click.argument("what", required=False, metavar="[VIDEO|LAKE]")
@click.option("--lake", envvar="VIDEOLAKE_LAKE", metavar="LAKE", help="Lake of the video; or set VIDEOLAKE_LAKE.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="HTML file to write; - is standard output.",
)
@reported
def report(what: str | None, lake: str | None, output: Path) -> None:
    """Write a video, or a whole lake, as one HTML file that needs nothing else: to read, print, or send.

    \b
    videolake report talk.mp4 --lake LAKE -o talk.html   summary, storyboard, scenes and transcript
    videolake report --lake LAKE -o lake.html            totals, the newest 120 videos, and what failed
    """
    from flows.commands.report import write_report

    write_report(what, lake, output)


@click.command()
@lake_option
@click.option("--by", metavar="COLUMN", help="Group videos by a column of `videos`, or an SQL expression over it.")
@click.option("--groups", type=click.Path(path_type=Path), help="Group videos by this CSV: `video`, `group`.")
@click.option("--references", type=click.Path(path_type=Path), help="What is truly said, as CSV: `video`, `text`.")
@click.option("--min-videos", type=click.IntRange(1), default=3, show_default=True, help="Of a group.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@reported
def audit(lake: str, **options: Any) -> None:
    """Ask whether one group of videos is served worse than another: fairness, measured.

    \b
    videolake audit --by language --lake LAKE
    videolake audit --groups speakers.csv --references transcripts.csv --lake LAKE
    """
    from flows.commands.audit import print_audit

    print_audit(lake, **options)
