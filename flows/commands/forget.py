"""`videolake forget`: remove videos from a lake for good."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from pipeline.lake import Forgotten, Held, Lake, file_name
from pipeline.locations import location_of
from pipeline.view import counted, format_size
from schemas.config import ArchiveConfig
from schemas.errors import LakeError, VideolakeError

_MAX_LOCATIONS = 5
_MIN_PREFIX = 4

_OUT_OF_REACH = """\
This does not reach:
- the files themselves
- exports, clips, reports and query results that were written elsewhere
- backups, snapshots of disks, and old versions of objects in a bucket with versioning
- Prefect: logs, artifacts and parameters of runs may name the files
- caches of browsers that showed the videos (10 minutes), and of other machines that searched the index of a lake on an
  object store (30 days)"""


class NotForgottenError(VideolakeError):
    """The user did not confirm, so nothing was removed."""


def forget_videos(videos: Sequence[str], lake: str, *, yes: bool, dry_run: bool, single_writer: bool) -> None:
    """Remove videos from a lake, after asking.

    Args:
        videos: Each by id, the start of an id, file name, path or URI.
        lake: The lake.
        yes: Do not ask.
        dry_run: Only print what would be removed.
        single_writer: See `lake.single_writer`.

    Raises:
        LakeError: No video has one of the names; or the lake cannot be written, or another writer holds it.
        NotForgottenError: The user did not confirm.
    """
    opened = Lake(lake)
    if dry_run:
        _print(_held(opened, videos))
        return
    with opened.lock(single_writer=single_writer):
        try:
            found = _held(opened, videos)
        except LakeError:
            opened.clean()  # a killed run may have staged it
            found = _held(opened, videos)
        _print(found)
        new = [each for each in found if not each.pending]
        if new and not yes and not _confirmed(len(new)):
            raise NotForgottenError("Nothing was removed.")
        index = opened.search_files.names()
        done = opened.forget([each.video_id for each in found], clear_index=_clear_index(opened) if index else None)
    _report(done)


def undo_forget(videos: Sequence[str], lake: str, *, single_writer: bool) -> None:
    """Let runs analyse videos again that were forgotten.

    Args:
        videos: Each by id, the start of an id, or a local file with its content.
        lake: The lake.
        single_writer: See `lake.single_writer`.

    Raises:
        LakeError: A video was not forgotten; or the lake cannot be written, or another writer holds it.
    """
    opened = Lake(lake)
    ids = [_forgotten_id(opened, video) for video in videos]
    with opened.lock(single_writer=single_writer):
        opened.undo_forget(ids)
    for video_id in ids:
        click.echo(f"{video_id}: the next run that finds it analyses it again.")


def _held(lake: Lake, videos: Sequence[str]) -> list[Held]:
    """Return what the lake holds of the videos that are not forgotten already."""
    before = lake.forgotten()
    return lake.held([video for video in videos if video not in before])


def _clear_index(lake: Lake) -> partial[int]:
    from pipeline.search import remove_from_index  # imports PyTorch

    return partial(remove_from_index, lake)


def _print(found: Sequence[Held]) -> None:
    for video in found:
        name = file_name(video.uris[0]) if video.uris else "?"
        date = f"analysed {video.analysed_at:%Y-%m-%d %H:%M} UTC, " if video.analysed_at else ""
        rows = ", ".join(f"{table} {count:,}" for table, count in video.rows.items())
        click.echo(f"{name} ({video.video_id}): {date}{sum(video.rows.values()):,} rows ({rows})")
        for uri in video.uris[:_MAX_LOCATIONS]:
            click.echo(f"  {uri}")
        if len(video.uris) > _MAX_LOCATIONS:
            click.echo(f"  and {len(video.uris) - _MAX_LOCATIONS} more locations")
        if video.pending:
            click.echo("  Forgetting it was interrupted, and goes on now.")


def _confirmed(count: int) -> bool:
    return click.confirm(f"Forget {counted(count, 'video')} for good?")


def _report(done: Forgotten) -> None:
    if not done.videos:
        click.echo("Nothing to remove: the lake has forgotten that before.")
        return
    counts = {"row": sum(done.rows.values()), "file": done.files, "staged object": done.staged, "report": done.reports}
    removed = [counted(count, what) for what, count in counts.items() if count]
    if done.segments:
        removed.append(f"{counted(done.segments, 'segment')} of the search index")
    size = format_size(max(0, done.bytes))
    click.echo(f"Forgot {counted(done.videos, 'video')}: removed {', '.join(removed)}; the lake is {size} smaller.")
    click.echo(_OUT_OF_REACH)


def _forgotten_id(lake: Lake, video: str) -> str:
    known = lake.forgotten()
    if video in known:
        return video
    long = len(video) >= _MIN_PREFIX
    matches = frozenset(each for each in known if long and each.startswith(video.lower()))
    if not matches and Path(video).is_file():
        matches = known & _digests(Path(video))
    if len(matches) > 1:
        raise LakeError(f"{video} may be any of {len(matches)} forgotten videos. Name the whole id.")
    if not matches:
        raise LakeError(
            f"{video} is no video that the lake {lake.uri} has forgotten. Name its id, or a file with its content; "
            '`videolake sql "FROM forgotten"` lists the ids.'
        )
    return next(iter(matches))


def _digests(file: Path) -> frozenset[str]:
    """Return the ids that a file may have."""
    from pipeline.run import content_digest

    uri, size_bytes = location_of(str(file.absolute())), file.stat().st_size
    return frozenset(content_digest(uri, size_bytes, ArchiveConfig(digest=each)) for each in ("sampled", "full"))
