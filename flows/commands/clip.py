"""`videolake clip`: cut moments out of videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from flows.commands.hits import found
from pipeline.analysis.media import local_path
from pipeline.export import (
    CLIP_ENDINGS,
    LOSSLESS_ENDINGS,
    Clip,
    clip_ending,
    copy_clip,
    cut_sound,
    encode_clip,
    exact_ending,
    one_line,
    refuse_original,
    safe_stem,
    time_ranges_of,
    unique,
)
from pipeline.lake import Lake, VideoRecord, read_video
from pipeline.language import TimeRange, format_time, parse_time_range
from schemas.errors import ConfigurationError, ExportError, VideolakeError


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """How clips are made."""

    exact: bool = False
    """Encode anew, to begin and end at just these times."""
    force: bool = False
    """Write over what is there."""


def clip_hits(
    query: str,
    lake: str,
    output: Path | None,
    options: ClipOptions,
    *,
    filters: Mapping[str, Any],
    limit: int,
    pad_s: float,
) -> int:
    """Cut the moments that answer a query out of their videos; see `clip_moments`.

    Raises:
        ExportError: Nothing answers it.
        ConfigurationError: Several moments are to go into one file, or a filter cannot be read.
        LakeError: The lake cannot be read, or has nothing of a filter's name.
    """
    opened = Lake(lake)
    moments = time_ranges_of(found(opened, query, filters, limit), pad_s)
    return _clip_all(moments, opened, output, options)


def clip_moments(moments: Sequence[str], lake: str, output: Path | None, options: ClipOptions) -> int:
    """Cut moments out of videos of a lake, and print a line for each clip.

    Args:
        moments: As `VIDEO@START-END`.
        lake: The lake.
        output: A file for one clip, or a folder; None: the current folder.
        options: How.

    Returns:
        How many clips could not be made though others were; told on standard error, a line each.

    Raises:
        ConfigurationError: A moment is written wrongly, or several are to go into one file.
        LakeError: The lake cannot be read.
        VideolakeError: The only clip could not be made.
    """
    return _clip_all([parse_time_range(each) for each in moments], Lake(lake), output, options)


def _clip_all(asked: Sequence[TimeRange], opened: Lake, output: Path | None, options: ClipOptions) -> int:
    alone = len(asked) == 1
    if output is not None and not alone and output.suffix.lower() in CLIP_ENDINGS and not output.is_dir():
        raise ConfigurationError(f"{output} is one file, and there are {len(asked)} moments: name a folder.")
    failed = 0
    taken: set[str] = set()
    for moment in asked:
        try:
            record = read_video(opened, moment.video, parts=())
            within = _within(record, moment)
            target = _target(record, within, output, options, taken, alone=alone)
            if target.exists():
                _check_taken(opened, record, target, options)
            _print(_clip(record, within, target, options), within)
        except VideolakeError as error:
            if alone:
                raise
            failed += 1
            click.echo(f"no clip: {one_line(str(error))}", err=True)
    return failed


def _target(
    record: VideoRecord, moment: TimeRange, output: Path | None, options: ClipOptions, taken: set[str], *, alone: bool
) -> Path:
    """Return the file to make; `taken` has the names of those that were made before, without endings."""
    if output is not None and output.suffix and alone and not output.is_dir():
        return output
    ending = (exact_ending if options.exact else clip_ending)(record.uri, has_video=record.has_video)
    stem = f"{safe_stem(record.uri)} {_short(moment.start_s)}-{_short(moment.end_s)} s"
    return (output or Path()) / f"{unique(stem, record.video_id, taken)}{ending}"


def _check_taken(lake: Lake, record: VideoRecord, target: Path, options: ClipOptions) -> None:
    """See to it that a file that is there may be written over.

    Raises:
        ExportError: It is the video itself, or it was not said that it may be.
        ConfigurationError: It is another original of the lake.
    """
    source = local_path(record.uri)
    if source is not None and source.exists() and target.samefile(source):
        raise ExportError(f"{target} is the video itself. Name another file.")
    refuse_original(lake, target)
    if not options.force:
        raise ExportError(f"{target} is there already; --force writes over it.")


def _within(record: VideoRecord, moment: TimeRange) -> TimeRange:
    """Return the part of a moment that the video has.

    Raises:
        ExportError: It has none.
    """
    if moment.start_s >= record.duration_s:
        raise ExportError(f"{record.uri} ends at {format_time(record.duration_s)}, before the moment starts.")
    return replace(moment, end_s=min(moment.end_s, record.duration_s))


def _clip(record: VideoRecord, moment: TimeRange, target: Path, options: ClipOptions) -> Clip:
    lossless = target.suffix.lower() in LOSSLESS_ENDINGS
    cut = encode_clip if options.exact else cut_sound if lossless else copy_clip
    return cut(record.uri, moment.start_s, moment.end_s, target)


def _short(seconds: float) -> str:
    return f"{seconds:.2f}".rstrip("0").rstrip(".")


def _print(clip: Clip, moment: TimeRange) -> None:
    early_s = moment.start_s - clip.start_s
    slack = f", begins {early_s:.1f} s before the moment, at a keyframe" if early_s > 0.05 else ""
    click.echo(f"{one_line(str(clip.path))}  {clip.end_s - clip.start_s:.1f} s{slack}")
