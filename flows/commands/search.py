"""`videolake search`, `index` and `duplicates`."""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from flows.commands.hits import print_notes
from pipeline.export import one_line, safe_stem, unique, whole_file
from pipeline.lake import Lake, file_name
from pipeline.language import format_time, parse_video_time
from pipeline.search import Searcher, check_query, make_filter, update_index
from pipeline.view import LakeReader, Thumbnails, format_share, match_reason
from schemas.errors import ConfigurationError
from schemas.search import Duplicate, Hit, MomentKind, Reason

_TIME_WIDTH = 11
_NO_LABELS = "image without labels"


def print_search(
    query: str | None,
    lake: str,
    *,
    image: Path | None,
    like: str | None,
    filters: Mapping[str, Any],
    limit: int,
    form: str,
    thumbnails: Path | None,
) -> None:
    """Search and print the hits. Exactly one of `query`, `image` and `like` must be given.

    Args:
        query: Text to search for.
        image: An image file to search by.
        like: A moment to find similar ones to, `VIDEO@TIME`.
        lake: The lake.
        filters: Arguments of `make_filter`.
        limit: Maximum number of hits.
        form: `table`, `json` or `csv`.
        thumbnails: Folder to write a thumbnail of each hit to; None writes none.

    Raises:
        ConfigurationError: None or several of the three are given, or a time or image cannot be read.
        LakeError: The lake cannot be read, or has no such video, language, speaker or topic.
        ModelError: The model that encodes images is not installed.
        ExportError: A thumbnail cannot be written.
    """
    if sum(each is not None for each in (query, image, like)) != 1:
        raise ConfigurationError("Give exactly one of QUERY, --image FILE and --like VIDEO@TIME.")
    if query is not None:
        check_query(query)
    admitted = make_filter(**filters)
    opened = Lake(lake)
    searcher = Searcher(opened)
    if sys.stderr.isatty():
        click.echo(click.style("Loading the models that encode queries …", dim=True), err=True)
    if image is not None:
        hits = searcher.by_image(image, admitted, limit)
    elif like is not None:
        moment = parse_video_time(like)
        hits = searcher.like(moment.video, moment.time_s, admitted, limit)
    else:
        hits = searcher.search(query or "", admitted, limit)
    print_notes(searcher, hits if query else ())
    files = write_thumbnails(opened, hits, thumbnails) if thumbnails else [None] * len(hits)
    columns = [field.name for field in fields(Hit)]
    rows = [asdict(hit) for hit in hits]
    if thumbnails:
        columns.append("thumbnail")
        for row, file in zip(rows, files, strict=True):
            row["thumbnail"] = str(file) if file else None
    _print(form, rows, columns, lambda: _print_hits(hits, files, searcher))


def write_thumbnails(lake: Lake, hits: Sequence[Hit], folder: Path) -> list[Path | None]:
    """Write the thumbnail of each hit to a folder, named by the video and the second at which the hit starts.

    Returns:
        The file of each hit; None for a hit without a thumbnail.

    Raises:
        ExportError: A file cannot be written.
        LakeError: The lake cannot be read.
    """
    frames = [hit.frame_id for hit in hits if hit.frame_id]
    found = Thumbnails(LakeReader(lake)).many(list(dict.fromkeys(frames)))
    taken: set[str] = set()
    written: list[Path | None] = []
    for hit in hits:
        jpeg = found.get(hit.frame_id or "")
        if jpeg is None:
            written.append(None)
            continue
        stem = f"{safe_stem(hit.uri)} {hit.start_s:.2f}".rstrip("0").rstrip(".")
        file = folder / f"{unique(f'{stem} s', hit.video_id, taken)}.jpg"
        with whole_file(file) as path:
            path.write_bytes(jpeg)
        written.append(file)
    return written


def print_duplicates(video: str | None, lake: str, *, min_overlap: float, form: str) -> None:
    """Print pairs of videos that share footage.

    Raises:
        LakeError: The lake cannot be read, or has no such video.
    """
    found = Searcher(Lake(lake)).duplicates(video, min_overlap=min_overlap)

    def table() -> None:
        for pair in found:
            start = f", starting at {format_time(pair.offset_s)} there" if pair.offset_s >= 0.5 else ""
            start = f", starting at {format_time(-pair.offset_s)} here" if pair.offset_s <= -0.5 else start
            share = click.style(f"{format_share(pair.overlap):>4}", bold=True)
            click.echo(f"{share} of {one_line(pair.uri)}\n     is in {one_line(pair.other_uri)}{start}")
        if not found:
            click.echo("No two videos share footage.", err=True)

    _print(form, [asdict(pair) for pair in found], [field.name for field in fields(Duplicate)], table)


def build_index(lake: str, *, rebuild: bool) -> None:
    """Update the search index, and print what was done.

    Raises:
        LakeError: The lake cannot be read or written, or a run is writing it.
    """
    from pipeline.run import load_config

    opened = Lake(lake)
    with opened.lock(single_writer=load_config().lake.single_writer):
        done = update_index(opened, rebuild=rebuild, verify=True)
    indexed = f"{done.videos_read:,} videos read" if done.videos_read else "nothing new"
    indexed += ", damaged parts rebuilt" if done.repaired else ""
    click.echo(f"{done.moments:,} moments of {done.videos:,} videos indexed; {indexed}, {done.seconds:.1f} s")


def _print(form: str, rows: list[dict[str, Any]], columns: Sequence[str], table: Callable[[], None]) -> None:
    if form == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_flat, rows))
    else:
        table()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row for CSV, with the reasons in one cell."""
    if "reasons" not in row:
        return dict(row)
    reasons = "; ".join(f"{each['kind']} {each['retriever']} {each['score']:.3f}" for each in row["reasons"])
    return {**row, "reasons": reasons}


def _print_hits(hits: Sequence[Hit], thumbnails: Sequence[Path | None], searcher: Searcher) -> None:
    if not hits:
        size = searcher.moments
        where = (
            f"in {size:,} moments" if size else "because the lake holds no moments yet. Fill it with `videolake run`"
        )
        click.echo(f"Nothing found {where}.", err=True)
    for hit, thumbnail in zip(hits, thumbnails, strict=True):
        time = click.style(f"{_span(hit):>{_TIME_WIDTH}}", fg="cyan", bold=True)
        name = one_line(file_name(hit.uri))
        title = f"  {one_line(hit.headline)}" if hit.headline else ""
        click.echo(f"{time}  {click.style(name, bold=True)}{click.style(f'{title}  {hit.score:.3f}', dim=True)}")
        lines = reason_lines(hit.reasons[:3])
        if not any(reason.text == hit.text for reason in hit.reasons[:3]):
            lines.append(one_line(hit.text))
        if thumbnail:
            lines.append(click.style(one_line(str(thumbnail)), dim=True))
        for line in lines:
            click.echo(f"{' ' * _TIME_WIDTH}  {line}")


def _span(hit: Hit) -> str:
    """Return the time range of a hit, as `videolake clip` accepts it."""
    start, end = format_time(hit.start_s), format_time(hit.end_s)
    if start == end:
        # A moment within a second: rounded, it might start where its video ends.
        return format_time(math.floor(hit.start_s))
    return f"{start}-{end}"


def reason_lines(reasons: Sequence[Reason]) -> list[str]:
    """Return why a moment was found: a line for each text, with all retrievers that found it."""
    by_text: dict[tuple[MomentKind, str], list[Reason]] = {}
    for reason in reasons:
        by_text.setdefault((reason.kind, reason.text), []).append(reason)
    lines = []
    for (kind, _), same in by_text.items():
        source = one_line(same[0].source) if same[0].source else None
        why = f"({match_reason(kind, [reason.retriever for reason in same], source)})"
        lines.append(f"{_marked(max(same, key=lambda reason: len(reason.spans)))}  {click.style(why, dim=True)}")
    return lines


def _marked(reason: Reason) -> str:
    """Return the text of a reason with the words that matched in bold."""
    return "".join(click.style(part, fg="yellow", bold=True) if hot else part for part, hot in _parts(reason))


def _parts(reason: Reason) -> Iterable[tuple[str, bool]]:
    text, position = one_line(reason.text) or _NO_LABELS, 0
    for start, end in reason.spans:
        yield text[position:start], False
        yield text[start:end], True
        position = end
    yield text[position:], False
