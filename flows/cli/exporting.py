"""`export` and `clip`: what a lake knows of videos, for other programs; and stretches of the videos."""

import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.exits import EXIT_SOME_FAILED, reported
from flows.cli.options import filtered, filters_of, lake_option
from schemas.errors import ConfigurationError

FORMATS = ("srt", "vtt", "txt", "json", "chapters-vtt", "ffmetadata", "youtube", "edl", "otio")
"""Of `pipeline.export.FORMATS`, whose import would slow `--help` down."""


@click.command()
@click.argument("video", required=False)
@lake_option
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: what the ending of the file tells.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; with --all, a folder.")
@click.option("--all", "whole", is_flag=True, help="Every video of the lake, a file each.")
@click.option("--query", metavar="TEXT", help="What a search for TEXT finds, as an EDL or OpenTimelineIO.")
@click.option("--limit", type=click.IntRange(1, 1000), help="With --query: hits at most; default: 20.")
@filtered
@click.option("--translation", is_flag=True, help="English translations, where the lake has them.")
@click.option(
    "--fps", metavar="RATE", help="Frames a second at which an EDL or OpenTimelineIO counts; default: the film's own."
)
@click.option("--drop-frame", is_flag=True, help="EDL in drop-frame timecode (29.97 and 59.94 only).")
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
    fps: str | None,
    drop_frame: bool,
    **filters: Any,
) -> None:
    """Write what the lake knows of VIDEO as other programs read it.

    \b
    srt, vtt                  subtitles, in lines of readable length
    txt, json                 the transcript
    chapters-vtt, ffmetadata,
    youtube                   chapters
    edl, otio                 shots for an editing program

    \b
    videolake export talk.mp4 --lake LAKE -o talk.srt
    videolake export --all --lake LAKE --format vtt -o subtitles/
    videolake export --query "a cat at the window" --lake LAKE -o cats.otio

    Filters, as --video and --kind, are those of `videolake search`, and go with --query.
    """
    from flows.commands.export import export_hits, export_lake, export_video
    from pipeline.export import Options, parsed_rate

    if (video is not None) + whole + (query is not None) != 1:
        raise click.UsageError("Name one VIDEO, all with --all, or a search with --query.")
    options = Options(translation, parsed_rate(fps) if fps else None, drop_frame)
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
@click.option("--query", metavar="TEXT", help="Cut out what a search for TEXT finds.")
@click.option("--limit", type=click.IntRange(1, 1000), help="With --query: hits at most; default: 10.")
@click.option("--pad", type=click.FloatRange(0), help="With --query: seconds around each hit; default: 1.")
@filtered
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder; default: the current folder.")
@click.option("--exact", is_flag=True, help="Encode anew, to begin and end at just these times.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
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
    """Cut moments out of videos, without loss: what is in the file is copied, not encoded anew.

    A copy begins at the last keyframe before the moment, often a few seconds early; the command says how many. With
    --exact it begins and ends to the frame. FLAC and WAV are cut to the sample, and no sample of them changes.

    \b
    videolake clip talk.mp4@1:02-1:30 --lake LAKE -o quote.mp4
    videolake clip talk.mp4@1:02-1:30 film.mkv@75.5-80 --lake LAKE -o clips/ --exact
    videolake clip --query "a cat at the window" --lake LAKE -o cats/

    Filters, as --video and --kind, are those of `videolake search`, and go with --query.
    """
    from flows.commands.clip import ClipOptions, clip_hits, clip_time_ranges

    if bool(moments) == (query is not None):
        raise click.UsageError("Name moments as VIDEO@START-END, or a search with --query.")
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
            f"Filters, {' and '.join(f'--{each}' for each in settings)} are of a search: they go with --query."
        )
