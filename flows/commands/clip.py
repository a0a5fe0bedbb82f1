"""`videolake clip`: cut time ranges out of videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from flows.commands.hits import found
from pipeline.export import (
    CLIP_ENDINGS,
    LOSSLESS_ENDINGS,
    Clip,
    clip_ending,
    copy_clip,
    cut_audio,
    encode_clip,
    exact_ending,
    one_line,
    printed_file,
    refuse_original,
    safe_stem,
    time_ranges_of,
    unique,
    with_file,
)
from pipeline.lake import Lake, VideoRecord, read_video
from pipeline.language import TimeRange, format_time, parse_time_range
from pipeline.locations import local_path
from schemas.errors import ConfigurationError, ExportError, VideolakeError
from schemas.export import STDOUT


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """Options of clips."""

    exact: bool = False
    """Re-encode, to start and end at exactly these times."""
    force: bool = False
    """Overwrite existing files."""


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
    """Cut the hits of a query out of their videos; see `clip_time_ranges`.

    Raises:
        ExportError: The query has no hits.
        ConfigurationError: There are several clips for one file, or a filter is invalid.
        LakeError: The lake cannot be read, or has no value that a filter names.
    """
    opened = Lake(lake)
    time_ranges = time_ranges_of(found(opened, query, filters, limit), pad_s)
    return _clip_all(time_ranges, opened, output, options)


def clip_time_ranges(time_ranges: Sequence[str], lake: str, output: Path | None, options: ClipOptions) -> int:
    """Cut time ranges out of videos of a lake, and print a line for each clip.

    Args:
        time_ranges: Each as `VIDEO@START-END`.
        lake: The lake.
        output: A file for one clip, or a folder; None: the current folder.
        options: Options of the clips.

    Returns:
        Number of failed clips, if others succeeded. Standard error has a line for each.

    Raises:
        ConfigurationError: A time range is invalid, or there are several clips for one file.
        LakeError: The lake cannot be read.
        VideolakeError: The only clip could not be made.
    """
    return _clip_all([parse_time_range(each) for each in time_ranges], Lake(lake), output, options)


def _clip_all(time_ranges: Sequence[TimeRange], opened: Lake, output: Path | None, options: ClipOptions) -> int:
    alone = len(time_ranges) == 1
    if output == STDOUT and not alone:
        raise ConfigurationError(f"Standard output can hold one clip, but there are {len(time_ranges)}: name a folder.")
    if output is not None and not alone and output.suffix.lower() in CLIP_ENDINGS and not output.is_dir():
        raise ConfigurationError(f"{output} is one file, but there are {len(time_ranges)} clips: name a folder.")
    failed = 0
    taken: set[str] = set()
    for time_range in time_ranges:
        try:
            record = with_file(read_video(opened, time_range.video, parts=()))
            within = _within(record, time_range)
            if output == STDOUT:
                with printed_file(_ending(record, options)) as file:
                    _clip(record, within, file, options)
                continue
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
    record: VideoRecord,
    time_range: TimeRange,
    output: Path | None,
    options: ClipOptions,
    taken: set[str],
    *,
    alone: bool,
) -> Path:
    """Return the file to write. `taken` has the names of earlier ones, without extensions."""
    if output is not None and output.suffix and alone and not output.is_dir():
        return output
    stem = f"{safe_stem(record.uri)} {_short(time_range.start_s)}-{_short(time_range.end_s)} s"
    return (output or Path()) / f"{unique(stem, record.video_id, taken)}{_ending(record, options)}"


def _ending(record: VideoRecord, options: ClipOptions) -> str:
    return (exact_ending if options.exact else clip_ending)(record.uri, has_video=record.has_video)


def _check_taken(lake: Lake, record: VideoRecord, target: Path, options: ClipOptions) -> None:
    """Check that an existing file may be overwritten.

    Raises:
        ExportError: It is the video itself, or `force` is not set.
        ConfigurationError: It is another original of the lake.
    """
    source = local_path(record.uri)
    if source is not None and source.exists() and target.samefile(source):
        raise ExportError(f"{target} is the video itself. Name another file.")
    refuse_original(lake, target)
    if not options.force:
        raise ExportError(f"{target} exists; --force overwrites it.")


def _within(record: VideoRecord, time_range: TimeRange) -> TimeRange:
    """Return the part of a time range that is inside the video.

    Raises:
        ExportError: No part is.
    """
    if time_range.start_s >= record.duration_s:
        raise ExportError(f"{record.uri} ends at {format_time(record.duration_s)}, before the time range starts.")
    return replace(time_range, end_s=min(time_range.end_s, record.duration_s))


def _clip(record: VideoRecord, time_range: TimeRange, target: Path, options: ClipOptions) -> Clip:
    lossless = target.suffix.lower() in LOSSLESS_ENDINGS
    cut = encode_clip if options.exact else cut_audio if lossless else copy_clip
    start_s, end_s = time_range.start_s, time_range.end_s
    return cut(record.uri, start_s, end_s, target, clock_jumps=record.clock_jumps, audio_track=record.audio_track)


def _short(seconds: float) -> str:
    return f"{seconds:.2f}".rstrip("0").rstrip(".")


def _print(clip: Clip, time_range: TimeRange) -> None:
    early_s = time_range.start_s - clip.start_s
    slack = f", starts {early_s:.1f} s early, at a keyframe" if early_s > 0.05 else ""
    click.echo(f"{one_line(str(clip.path))}  {clip.end_s - clip.start_s:.1f} s{slack}")
