"""`search`, `explain`, `index`, `duplicates`: commands that search a lake."""

from pathlib import Path
from typing import Any

import click

from flows.cli.exits import reported
from flows.cli.options import filtered, filters_of, lake_option, output_option


@click.command()
@click.argument("query", required=False)
@lake_option
@click.option("--image", type=click.Path(path_type=Path), metavar="FILE", help="Find frames that look like this image.")
@click.option("--like", metavar="VIDEO@TIME", help="Find moments similar to this one, such as talk.mp4@1:23.")
@filtered
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Maximum number of hits.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option(
    "--thumbnails",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the keyframe of each hit to this folder as JPEG. JSON and CSV contain the file names.",
)
@reported
def search(query: str | None, lake: str, **options: Any) -> None:
    """Find the moments that match QUERY.

    Searches speech, on-screen text, captions, objects and frames.


    \b
    videolake search "a cyclist in traffic" --lake LAKE
    videolake search '"to be or not to be"' --kind speech --lake LAKE     exact words
    videolake search "a busy street" --object person:3 --object car --lake LAKE    at least 3 people, and a car
    videolake search "climate" --entity "Angela Merkel" --lake LAKE       only where she is mentioned
    videolake search --image photo.jpg --lake LAKE
    videolake search --like talk.mp4@1:23 --lake LAKE
    videolake search "a red car" --lake LAKE --format json --thumbnails keyframes/
    """
    from flows.commands.search import print_search

    print_search(query, lake, filters=filters_of(options), **options)


@click.command()
@click.argument("query")
@click.argument("moment", metavar="VIDEO@TIME")
@lake_option
@output_option("Also write an HTML page with the frame.")
@reported
def explain(query: str, moment: str, lake: str, output: Path | None) -> None:
    """Explain why a moment matches QUERY.

    Shows which modality, which words and which part of the frame match.

    \b
    videolake explain "a cyclist in traffic" bicycles.mp4@0:04 --lake LAKE -o why.html
    """
    from flows.commands.explain import print_explanation

    print_explanation(query, moment, lake, output=output)


@click.command()
@lake_option
@click.option("--rebuild", is_flag=True, help="Build the index from scratch.")
@reported
def index(lake: str, *, rebuild: bool) -> None:
    """Build or update the search index of a lake. Without an index, search works but is slower in large lakes."""
    from flows.commands.search import build_index

    build_index(lake, rebuild=rebuild)


@click.command()
@click.argument("video", required=False)
@lake_option
@click.option(
    "--min-overlap",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Minimum share of a video's keyframes that the other video also has.",
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@reported
def duplicates(video: str | None, lake: str, **options: Any) -> None:
    """Find videos that share content, in the whole lake or with VIDEO."""
    from flows.commands.search import print_duplicates

    print_duplicates(video, lake, **options)
