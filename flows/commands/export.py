"""`videolake export`: write videos in the formats of other programs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from flows.commands.hits import found
from pipeline.export import (
    Cut,
    Format,
    Options,
    check_text_output,
    cuts_of,
    format_of,
    one_line,
    safe_stem,
    unique,
    whole_file,
    with_file_if_any,
)
from pipeline.lake import ALL_PARTS, Lake, Part, read_video, read_videos
from schemas.errors import ConfigurationError, ExportError, LakeError
from schemas.export import STDOUT
from schemas.search import Hit

_SHORTEST_CUT_S = 0.2
"""One frame at the slowest usual rate. A shorter cut could have no frame."""
_PARTS: frozenset[Part] = ALL_PARTS - {"keyframes", "objects"}


def export_video(lake: str, video: str, form: str | None, output: Path | None, options: Options) -> None:
    """Write one video to standard output or a file.

    Raises:
        ConfigurationError: Neither a name nor the file extension gives a format, or the format lacks an option; or the
            file is an original, or named like media.
        LakeError: There is no such video.
        ExportError: The video has nothing to write in this format, or the file cannot be written.
    """
    chosen = format_of(form, output, options)
    opened = Lake(lake)
    _check(opened, output, chosen)
    record = read_video(opened, video, parts=_PARTS)
    _put(chosen.text(with_file_if_any(record) if chosen.write_cuts else record, options), output)


def export_hits(
    lake: str,
    query: str,
    form: str | None,
    output: Path | None,
    options: Options,
    *,
    filters: Mapping[str, Any],
    limit: int,
) -> None:
    """Write the hits of a query as a list for an editing program.

    Raises:
        ConfigurationError: The format cannot hold search hits, or lacks an option; a filter is invalid; or the file is
            an original, or named like media.
        LakeError: The lake cannot be read, or has no value that a filter names.
        ExportError: Nothing was found, or the file cannot be written.
    """
    chosen = format_of(form, output, options)
    if chosen.write_cuts is None:
        raise ConfigurationError(f"{chosen.name} cannot hold search hits; use edl or otio.")
    opened = Lake(lake)
    _check(opened, output, chosen)
    _put(chosen.write_cuts(_cuts(opened, found(opened, query, filters, limit)), options), output)


def _cuts(lake: Lake, hits: Sequence[Hit]) -> list[Cut]:
    """Return a cut for each hit, also for audio alone, and for hits without length.

    Raises:
        LakeError: A run has removed a video from the lake in the meantime.
    """
    ids = list(dict.fromkeys(hit.video_id for hit in hits))
    records = {each.video_id: with_file_if_any(each) for each in read_videos(lake, ids, parts=_PARTS)}
    cuts: list[Cut] = []
    for hit in hits:
        if hit.video_id not in records:
            raise LakeError(f"{hit.uri} is no longer in the lake, because a run changed it. Search again.")
        span = (hit.start_s, max(hit.end_s, hit.start_s + _SHORTEST_CUT_S), one_line(hit.text))
        cuts += cuts_of(records[hit.video_id], [span])
    return cuts


def export_lake(lake: str, form: str | None, folder: Path | None, options: Options) -> bool:
    """Write one file for each video of the lake that has something to write.

    Returns:
        Whether some files could not be written. Standard error has a line for each.

    Raises:
        ConfigurationError: The format or the folder is missing, or the format lacks an option.
        LakeError: The lake cannot be read.
    """
    if folder in {None, STDOUT}:
        raise ConfigurationError("Name the folder for the files of the whole lake with -o.")
    chosen = format_of(form, None, options)
    taken: set[str] = set()
    written = empty = failed = 0
    opened = Lake(lake)
    for record in read_videos(opened, parts=_PARTS):
        if chosen.lacks(record, options):
            empty += 1
            continue
        try:
            text = chosen.text(with_file_if_any(record) if chosen.write_cuts else record, options)
            path = folder / _named(chosen, record.uri, record.video_id, taken)
            _check(opened, path, chosen)
            _write(path, text)
            written += 1
        except (ConfigurationError, ExportError) as error:
            failed += 1
            click.echo(f"not written: {one_line(str(error))}", err=True)
    nothing = f", {empty} have nothing to write" if empty else ""
    click.echo(f"{written} files in {folder}{nothing}{f', {failed} not written' if failed else ''}", err=True)
    return failed > 0


def _named(chosen: Format, uri: str, video_id: str, taken: set[str]) -> str:
    return unique(safe_stem(uri), video_id, taken) + chosen.ending


def _check(lake: Lake, path: Path | None, form: Format) -> None:
    if path is not None:
        check_text_output(lake, path, form.name, form.ending)


def _put(text: str, output: Path | None) -> None:
    if output in {None, STDOUT}:
        click.echo(text, nl=False)
    else:
        _write(output, text)
        click.echo(output)


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
