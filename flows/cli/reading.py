"""`sql`, `show`, `runs`, `browse`, `report`, `audit`: commands that read a lake."""

from pathlib import Path
from typing import Any

import click

from flows.cli.exits import reported
from flows.cli.options import lake_option, output_option
from schemas.export import TABLE_FORMATS


@click.command()
@click.argument("query")
@lake_option
@click.option("--format", "form", type=click.Choice(TABLE_FORMATS), default="table", show_default=True)
@output_option("Write a .parquet, .csv, .json or .jsonl file instead.")
@click.option("--spreadsheet", is_flag=True, help="Escape CSV values that a spreadsheet would run as formulas.")
@reported
def sql(query: str, lake: str, *, form: str, output: Path | None, spreadsheet: bool) -> None:
    """Query the lake with SQL, in DuckDB's dialect.

    \b
    Tables: videos, shots, frames, objects, utterances, sounds, subtitles, scenes, entities, summaries, errors, runs,
    sources, forgotten, corrections. Views: moments, words, chapters, mentions and others. Examples:
      videolake sql "SELECT uri, start_s, text FROM utterances JOIN videos USING (video_id)
                     WHERE text ILIKE '%telescope%'" --lake LAKE
      videolake sql "DESCRIBE frames" --lake LAKE
    """
    from flows.commands.query import print_query

    print_query(query, lake, form=form, output=output, spreadsheet=spreadsheet)


@click.command()
@click.argument("video", required=False)
@lake_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reported
def show(video: str | None, lake: str, *, as_json: bool) -> None:
    """Show the results for a video.

    VIDEO is an id, the start of an id, a path, a URI or a file name.
    """
    from flows.commands.show import print_video

    print_video(video, lake, as_json=as_json)


@click.command()
@click.argument("run_id", required=False)
@lake_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Maximum number of runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reported
def runs(run_id: str | None, lake: str, *, limit: int, as_json: bool) -> None:
    """List the runs that filled a lake, the newest first, with what they cost.

    Times are hours:minutes:seconds. Compute is over all workers, by stage: picture, sound, text and understanding; both
    picture and sound need decoding, and each worker loads the models once.

    With RUN_ID, or the start of it: one run in detail, and how its settings, models and versions differ from those of
    the run before.
    """
    from flows.commands.runs import print_run, print_runs

    if run_id is None:
        print_runs(lake, limit=limit, as_json=as_json)
    else:
        print_run(lake, run_id, as_json=as_json)


@click.command()
@lake_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. A non-loopback address requires the token.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port. Default: 8765, or a free one if that is taken.")
@click.option(
    "--token",
    metavar="TOKEN",
    help="Token that browsers must send. Default: none on the loopback address, otherwise a new random one.",
)
@click.option(
    "--media-root",
    "media_roots",
    multiple=True,
    metavar="LOCATION",
    help="Play original files only from this folder or URI. Can be repeated.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
@click.option("--edit", is_flag=True, help="Let everybody who can see the pages correct the videos, too.")
@reported
def browse(
    lake: str,
    *,
    host: str,
    port: int | None,
    token: str | None,
    media_roots: tuple[str, ...],
    open_browser: bool,
    edit: bool,
) -> None:
    """Browse the lake in a web browser.

    Search it, play its videos with transcript and timeline, and see what failed.
    """
    from flows.commands.browse import browse_lake

    browse_lake(lake, host=host, port=port, token=token, media_roots=media_roots, open_browser=open_browser, edit=edit)


@click.command()
@click.argument("what", required=False, metavar="[VIDEO|LAKE]")
@click.option(
    "--lake", envvar="VIDEOLAKE_LAKE", metavar="LAKE", help="Folder or URI of the lake. Default: VIDEOLAKE_LAKE."
)
@output_option("HTML file to write.", required=True)
@reported
def report(what: str | None, lake: str | None, output: Path) -> None:
    """Write a report on a video or a lake as a single HTML file.

    The file needs nothing else, so you can read, print or send it.

    \b
    videolake report talk.mp4 --lake LAKE -o talk.html   summary, storyboard, scenes and transcript
    videolake report --lake LAKE -o lake.html            totals, the newest 120 videos, and errors
    """
    from flows.commands.report import write_report

    write_report(what, lake, output)


@click.command()
@lake_option
@click.option("--by", metavar="COLUMN", help="Group videos by a column of `videos`, or by an SQL expression over it.")
@click.option(
    "--groups", type=click.Path(path_type=Path), help="Group videos by a CSV file with columns `video` and `group`."
)
@click.option(
    "--references",
    type=click.Path(path_type=Path),
    help="CSV file with the correct transcripts, in columns `video` and `text`.",
)
@click.option("--min-videos", type=click.IntRange(1), default=3, show_default=True, help="Minimum videos per group.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reported
def audit(lake: str, **options: Any) -> None:
    """Measure fairness: compare the quality of the results between groups of videos.

    \b
    videolake audit --by language --lake LAKE
    videolake audit --groups speakers.csv --references transcripts.csv --lake LAKE
    """
    from flows.commands.audit import print_audit

    print_audit(lake, **options)
