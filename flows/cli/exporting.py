"""`export` and `clip`: write results for other programs, and cut clips from videos."""

import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.exits import EXIT_SOME_FAILED, reported
from flows.cli.options import filtered, filters_of, lake_option, output_option
from schemas.errors import ConfigurationError
from schemas.export import EXPORT_FORMATS


@click.command()
@click.argument("video", required=False)
@lake_option
@click.option(
    "--format", "form", type=click.Choice(EXPORT_FORMATS), help="Format. Default: from the output file's extension."
)
@output_option("File to write; with --all, a folder.")
@click.option("--all", "whole", is_flag=True, help="Export every video in the lake, each to its own file.")
@click.option("--query", metavar="TEXT", help="Export the hits of a search for TEXT, as an EDL or OpenTimelineIO.")
@click.option("--limit", type=click.IntRange(1, 1000), help="With --query: maximum number of hits (default 20).")
@filtered
@click.option("--translation", is_flag=True, help="Use English translations where the lake has them.")
@click.option(
    "--source",
    metavar="NAME",
    help="Export what came with the video instead: chapters (file), or subtitles (a track, a file or a language).",
)
@click.option("--fps", metavar="RATE", help="Frame rate of an EDL or OpenTimelineIO. Default: the rate of the video.")
@click.option("--drop-frame", is_flag=True, help="Write an EDL in drop-frame timecode (29.97 and 59.94 fps only).")
@reported
def export(
    video: str | None,
    lake: str,
    *,
    form: str | None,
    output: Path | None,
    whole: bool,
    query: str | None,
    limit: int | None,
    translation: bool,
    source: str | None,
    fps: str | None,
    drop_frame: bool,
    **filters: Any,
) -> None:
    """Export the results for VIDEO in a format that other programs read.

    \b
    srt, vtt                  subtitles, with lines of readable length
    txt, json                 transcript
    chapters-vtt, ffmetadata,
    youtube                   chapters
    edl, otio                 shots, for editing programs

    \b
    videolake export talk.mp4 --lake LAKE -o talk.srt
    videolake export --all --lake LAKE --format vtt -o subtitles/
    videolake export --query "a cat at the window" --lake LAKE -o cats.otio

    With --query, the filters of `videolake search` apply, such as --video and --kind.
    """
    from flows.commands.export import export_hits, export_lake, export_video
    from pipeline.export import Options, parsed_rate

    if (video is not None) + whole + (query is not None) != 1:
        raise click.UsageError("Give one of VIDEO, --all or --query.")
    options = Options(translation, parsed_rate(fps) if fps else None, drop_frame, source)
    admitted = filters_of(filters)
    if query is None:
        _need_query(admitted, limit=limit)
    if query is not None:
        export_hits(lake, query, form, output, options, filters=admitted, limit=limit or 20)
    elif video is not None:
        export_video(lake, video, form, output, options)
    elif export_lake(lake, form, output, options):
        sys.exit(EXIT_SOME_FAILED)


@click.command()
@click.argument("moments", nargs=-1, metavar="VIDEO@START-END...")
@lake_option
@click.option("--query", metavar="TEXT", help="Cut the hits of a search for TEXT.")
@click.option("--limit", type=click.IntRange(1, 1000), help="With --query: maximum number of hits (default 10).")
@click.option("--pad", type=click.FloatRange(0), help="With --query: seconds to add around each hit (default 1).")
@filtered
@output_option("File or folder to write. Default: the current folder.")
@click.option("--exact", is_flag=True, help="Re-encode, to start and end at exactly these times.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@reported
def clip(
    moments: tuple[str, ...],
    lake: str,
    *,
    query: str | None,
    limit: int | None,
    pad: float | None,
    output: Path | None,
    exact: bool,
    force: bool,
    **filters: Any,
) -> None:
    """Cut clips out of videos without quality loss.

    The streams are copied, not re-encoded. A copied clip starts at the last keyframe before the given time, often a few
    seconds early; the command prints how many. With --exact, clips are re-encoded to start and end at the exact frame.
    FLAC and WAV are always cut exactly and without loss.

    \b
    videolake clip talk.mp4@1:02-1:30 --lake LAKE -o quote.mp4
    videolake clip talk.mp4@1:02-1:30 tour.mkv@75.5-80 --lake LAKE -o clips/ --exact
    videolake clip --query "a cat at the window" --lake LAKE -o cats/

    With --query, the filters of `videolake search` apply, such as --video and --kind.
    """
    from flows.commands.clip import ClipOptions, clip_hits, clip_time_ranges

    if bool(moments) == (query is not None):
        raise click.UsageError("Give either moments as VIDEO@START-END, or --query.")
    options = ClipOptions(exact, force)
    admitted = filters_of(filters)
    if query is None:
        _need_query(admitted, limit=limit, pad=pad)
        failed = clip_time_ranges(moments, lake, output, options)
    else:
        pad_s = 1.0 if pad is None else pad
        failed = clip_hits(query, lake, output, options, filters=admitted, limit=limit or 10, pad_s=pad_s)
    sys.exit(EXIT_SOME_FAILED if failed else 0)


def _need_query(filters: dict[str, Any], **settings: float | None) -> None:
    if filters or any(each is not None for each in settings.values()):
        raise ConfigurationError(
            f"Filters and {' and '.join(f'--{each}' for each in settings)} can only be used with --query."
        )
