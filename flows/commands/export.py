"""`videolake export`: write what the lake knows of a video as other programs read it."""

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
)
from pipeline.lake import ALL_PARTS, Lake, Part, read_video, read_videos
from schemas.errors import ConfigurationError, ExportError, LakeError
from schemas.search import Hit

_SHORTEST_CUT_S = 0.2
"""A frame at the slowest rate in use; less could be no frame at all."""
_PARTS: frozenset[Part] = ALL_PARTS - {"keyframes"}


def export_video(lake: str, video: str, form: str | None, output: Path | None, options: Options) -> None:
    """Write one video on standard output or into a file.

    Raises:
        ConfigurationError: No format is named, nor told by the file's ending, or it takes no such option; or the file
            is an original, or named as one.
        LakeError: There is no such video.
        ExportError: It has nothing to write in this form, or the file cannot be written.
    """
    chosen = format_of(form, output, options)
    opened = Lake(lake)
    _check(opened, output, chosen)
    _put(chosen.text(read_video(opened, video, parts=_PARTS), options), output)


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
    """Write the moments that answer a query as a list for an editing program.

    Raises:
        ConfigurationError: The format holds no moments, or takes no such option; a filter cannot be read; or the file
            is an original, or named as one.
        LakeError: The lake cannot be read, or has nothing of a filter's name.
        ExportError: Nothing was found, or the file cannot be written.
    """
    chosen = format_of(form, output, options)
    if chosen.write_cuts is None:
        raise ConfigurationError(f"{chosen.name} holds no moments of a search; name edl or otio.")
    opened = Lake(lake)
    _check(opened, output, chosen)
    _put(chosen.write_cuts(_cuts(opened, found(opened, query, filters, limit)), options), output)


def _cuts(lake: Lake, hits: Sequence[Hit]) -> list[Cut]:
    """Return a cut for each hit: none is left out, be it sound alone, or of no length.

    Raises:
        LakeError: A run took a video out of the lake meanwhile.
    """
    ids = list(dict.fromkeys(hit.video_id for hit in hits))
    records = {each.video_id: each for each in read_videos(lake, ids, parts=_PARTS)}
    cuts: list[Cut] = []
    for hit in hits:
        if hit.video_id not in records:
            raise LakeError(f"{hit.uri} was found, and is not in the lake any more: a run changed it. Search again.")
        span = (hit.start_s, max(hit.end_s, hit.start_s + _SHORTEST_CUT_S), one_line(hit.text))
        cuts += cuts_of(records[hit.video_id], [span])
    return cuts


def export_lake(lake: str, form: str | None, folder: Path | None, options: Options) -> bool:
    """Write a file for each video of the lake that has something to write.

    Returns:
        Whether some could not be written though they had something: told on standard error, a line each.

    Raises:
        ConfigurationError: No format or no folder is named, or the format takes no such option.
        LakeError: The lake cannot be read.
    """
    if folder is None:
        raise ConfigurationError("Name the folder for the files of the whole lake with -o.")
    chosen = format_of(form, None, options)
    taken: set[str] = set()
    written = empty = failed = 0
    opened = Lake(lake)
    for record in read_videos(opened, parts=_PARTS):
        if not getattr(record, chosen.needs):
            empty += 1
            continue
        try:
            text = chosen.text(record, options)
            path = folder / _named(chosen, record.uri, record.video_id, taken)
            _check(opened, path, chosen)
            _write(path, text)
            written += 1
        except (ConfigurationError, ExportError) as error:
            failed += 1
            click.echo(f"not written: {one_line(str(error))}", err=True)
    nothing = f", {empty} have no {chosen.needs}" if empty else ""
    click.echo(f"{written} files in {folder}{nothing}{f', {failed} not written' if failed else ''}", err=True)
    return failed > 0


def _named(chosen: Format, uri: str, video_id: str, taken: set[str]) -> str:
    return unique(safe_stem(uri), video_id, taken) + chosen.ending


def _check(lake: Lake, path: Path | None, form: Format) -> None:
    if path is not None:
        check_text_output(lake, path, form.name, form.ending)


def _put(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
        click.echo(output)


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
