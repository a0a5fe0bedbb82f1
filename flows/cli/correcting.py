"""`correct`: change what the analysis got wrong."""

import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.exits import EXIT_SOME_FAILED, reported
from flows.cli.options import lake_option


@click.command()
@click.argument("video", required=False)
@lake_option
@click.option("--at", metavar="TIME", help="A time in the video, such as 83 or 1:23.")
@click.option("--text", metavar="TEXT", help="With --at: what is said there. An empty text removes it.")
@click.option("--spoken-by", metavar="NAME", help="With --at: who says it, for this utterance only.")
@click.option(
    "--speaker",
    "speakers",
    type=(str, str),
    multiple=True,
    metavar="S1 NAME",
    help="Who a speaker is, in the whole video. Two speakers with one name become one.",
)
@click.option("--headline", metavar="TEXT", help="The headline.")
@click.option("--chapter-title", metavar="TEXT", help="With --at: the title of that chapter.")
@click.option("--topic", "topics", multiple=True, metavar="TOPIC", help="A topic that is missing.")
@click.option("--no-topic", "no_topics", multiple=True, metavar="TOPIC", help="A topic that does not apply.")
@click.option(
    "--import",
    "imported",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A corrected .srt, .vtt, .csv or .json export. Only what differs is changed.",
)
@click.option("--dry-run", is_flag=True, help="With --import: only list what would be changed.")
@click.option("--list", "listed", is_flag=True, help="List the corrections of the video, unplaced ones too.")
@click.option("--undo", "undone", metavar="ID", help="Take back a correction, or an undo.")
@click.option("--apply", "applied", is_flag=True, help="Apply what was saved while a run was writing the lake.")
@click.option("--author", metavar="NAME", help="Who makes it. Default: VIDEOLAKE_AUTHOR, or your user name.")
@reported
def correct(
    video: str | None,
    lake: str,
    *,
    imported: Path | None,
    dry_run: bool,
    listed: bool,
    undone: str | None,
    applied: bool,
    author: str | None,
    **edits: Any,
) -> None:
    """Correct what the analysis of VIDEO got wrong.

    \b
    videolake correct talk.mp4 --lake LAKE --at 1:23 --text "We met Ann Lee."
    videolake correct talk.mp4 --lake LAKE --speaker S1 "Ann Lee"
    videolake correct talk.mp4 --lake LAKE --headline "Oceans" --no-topic cooking
    videolake export talk.mp4 --lake LAKE -o talk.srt       correct it in any editor, and then
    videolake correct talk.mp4 --lake LAKE --import talk.srt
    videolake correct talk.mp4 --lake LAKE --list
    videolake correct talk.mp4 --lake LAKE --undo 3f2a

    Search, exports, summary and pages use the right value at once. The automatic value stays beside it, and every
    correction is kept: a later analysis does not lose it. The video file is not needed.
    """
    from flows.commands import correct as command

    given = [name for name, value in edits.items() if value not in (None, ())]
    actions = [bool(given), imported is not None, listed, undone is not None, applied]
    if sum(actions) > 1:
        raise click.UsageError("Give either values, --import, --list, --undo or --apply.")
    if dry_run and imported is None:
        raise click.UsageError("--dry-run needs --import.")
    if applied:
        sys.exit(EXIT_SOME_FAILED if command.apply_pending(lake, [video] if video else []) else 0)
    if video is None:
        raise click.UsageError("Name a video.")
    if imported is not None:
        command.import_transcript(lake, video, imported, author=author, dry_run=dry_run)
    elif listed:
        command.print_history(lake, video)
    elif undone is not None:
        command.undo_correction(lake, video, undone, author=author)
    else:
        command.correct_video(lake, video, edits, author=author)
