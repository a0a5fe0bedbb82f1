"""`videolake correct`: change what the analysis got wrong, import corrected transcripts, list and undo."""

import getpass
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.corrections import (
    PARTS,
    Deriver,
    Edit,
    Recorded,
    compare,
    correct,
    edits_of,
    history,
    pending_videos,
    read_transcript,
    same_voice,
    undo,
)
from pipeline.export import one_line
from pipeline.lake import Lake, VideoRecord, file_name, read_video
from pipeline.language import format_time
from pipeline.view import counted
from schemas.corrections import Correction
from schemas.errors import ConfigurationError, LakeError, PendingCorrectionError

_MAX_LISTED = 200


def user_name() -> str:
    """Return the name of the user, as the environment says."""
    try:
        return os.environ.get("VIDEOLAKE_AUTHOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def correct_video(lake: str, video: str, options: Mapping[str, Any], *, author: str | None) -> None:
    """Change values of a video, and say what became of it.

    Raises:
        ConfigurationError: There is nothing to change.
    """
    opened = Lake(lake)
    record = read_video(opened, video, parts=PARTS)
    edits = edits_of(record, **options)
    if not edits:
        raise ConfigurationError(
            "Say what is right, such as --at 1:23 --text '…'. `videolake correct --help` explains."
        )
    _tell(correct(opened, record.video_id, edits, author=author or user_name()))
    for edit in edits:
        if edit.field == "speaker" and edit.place is None:
            _suggest(opened, record, edit.value or "")


def import_transcript(lake: str, video: str, path: Path, *, author: str | None, dry_run: bool) -> None:
    """Turn what differs in a corrected transcript into corrections, and list it."""
    opened = Lake(lake)
    record = read_video(opened, video, parts=PARTS)
    found = compare(record, read_transcript(path))
    _print_edits(record, found.edits)
    if found.unplaced:
        lines = counted(len(found.unplaced), "line")
        click.echo(f"{lines} could not be placed, because nobody speaks there:")
        for line in found.unplaced[:_MAX_LISTED]:
            click.echo(f"  {format_time(line.start_s)}  {one_line(line.text)}")
    if found.unmentioned:
        click.echo(f"Not in the file, and left as they are: {counted(found.unmentioned, 'utterance')}.")
    if dry_run:
        click.echo(f"Dry run: this would make {counted(len(found.edits), 'correction')}.")
    elif not found.edits:
        click.echo("Nothing differs.")
    else:
        _tell(correct(opened, record.video_id, found.edits, author=author or user_name()))


def print_history(lake: str, video: str) -> None:
    """Print the corrections of a video, newest first."""
    found = history(Lake(lake), video)
    for each in found.listed:
        event = each.correction
        state = "" if each.holds else "undo  " if event.undoes else "undone  "
        state = state if each.placed else "unplaced  "
        when = event.made_at.strftime("%Y-%m-%d %H:%M")
        click.echo(f"{event.correction_id}  {when}  {one_line(event.author)}  {state}{describe(event)}")
    if not found.listed:
        click.echo("There are no corrections.")
    if any(not each.placed for each in found.listed):
        click.echo("Unplaced corrections no longer fit what the analysis found. They are kept, and applied nowhere.")
    if found.pending:
        click.echo(
            "Some are not applied yet. `videolake correct --apply` does it, or the next run that finds the file."
        )


def undo_correction(lake: str, video: str, correction: str, *, author: str | None) -> None:
    """Take a correction back."""
    _tell(undo(Lake(lake), video, correction, author=author or user_name()))


def apply_pending(lake: str, videos: Sequence[str]) -> int:
    """Apply corrections that are not applied yet, and return how many videos could not be done."""
    opened = Lake(lake)
    deriver, failed = Deriver(opened), 0
    ids = [read_video(opened, video, parts=()).video_id for video in videos] if videos else pending_videos(opened)
    for video_id in ids:
        try:
            deriver.apply(video_id)
        except PendingCorrectionError as error:
            failed += 1
            click.echo(f"{video_id}: {one_line(str(error))}", err=True)
    click.echo(f"Applied the corrections of {len(ids) - failed} videos.")
    return failed


def describe(event: Correction) -> str:
    """Describe a correction in one line."""
    at = f" at {format_time(event.place.start_s)}" if event.place else ""
    field = event.field.replace("_", " ")
    from_value, to_value = (one_line(each) if each is not None else None for each in (event.from_value, event.to_value))
    if event.undoes is not None:
        return f"{field}{at}: taken back: {from_value or to_value or '(nothing)'}"
    if event.field == "topics":
        return f"topic {to_value or from_value} {'added' if to_value else 'removed'}"
    return f"{field}{at}: {from_value or 'unknown'} -> {to_value or '(nothing)'}"


def _print_edits(record: VideoRecord, edits: Iterable[Edit]) -> None:
    texts = {each.start_s: each for each in record.utterances}
    for edit in edits:
        at = f"{format_time(edit.place.start_s)}  " if edit.place else ""
        before = edit.name or record.headline
        if edit.place and edit.place.start_s in texts:
            said = texts[edit.place.start_s]
            before = said.text if edit.field == "text" else said.speaker or "unknown"
        click.echo(click.style(f"{at}{edit.field}", bold=True))
        click.echo(f"  - {one_line(before)}\n  + {one_line(edit.value or '')}")


def _tell(recorded: Recorded) -> None:
    for each in recorded.corrections:
        click.echo(f"{each.correction_id}  {describe(each)}")
    if not recorded.corrections:
        click.echo("That is what the lake says already.")
    elif recorded.pending:
        click.echo(f"Saved, but not applied yet: {one_line(recorded.pending)}", err=True)
    else:
        click.echo("Applied. Search, pages and exports use it now.")


def _suggest(lake: Lake, record: VideoRecord, name: str) -> None:
    """Say where the same voice may speak."""
    try:
        found = same_voice(lake, record.video_id, name)
    except LakeError:
        return
    for each in found:
        if each.speaker != name:
            where = f"{each.speaker} in {file_name(each.uri)}"
            words = ["videolake", "correct", each.video_id[:12], "--lake", lake.uri, "--speaker", each.speaker, name]
            command = one_line(shlex.join(words))
            click.echo(f"A similar voice ({each.similarity:.2f}): {where}. If it is the same person: {command}")
