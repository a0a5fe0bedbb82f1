"""`videolake search`, `index` and `duplicates`: find moments, and videos that show the same; print them."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from flows.commands.hits import print_notes
from pipeline.export import one_line, safe_stem, unique, whole_file
from pipeline.lake import Lake, file_name
from pipeline.language import format_time, parse_time
from pipeline.search import Searcher, check_query, make_filter, update_index
from pipeline.view import LakeReader, Thumbnails, format_share, match_reason
from schemas.errors import ConfigurationError
from schemas.search import Duplicate, Hit, MomentKind, Reason

_TIME_WIDTH = 11
_UNNAMED = "a picture in which nothing was recognised"


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
    """Search and print what was found.

    Args:
        query: Text to search for; or one of:
        image: A picture.
        like: A moment, as `VIDEO@TIME`.
        lake: The lake.
        filters: As `make_filter` takes them.
        limit: Hits at most.
        form: `table`, `json` or `csv`.
        thumbnails: Folder for a picture of each hit; None: none.

    Raises:
        ConfigurationError: Not one thing to search for was given, or a time or picture cannot be read.
        LakeError: The lake cannot be read, or has no such video, language, speaker or topic.
        ModelError: The model that a picture must be encoded by is not there.
        ExportError: A thumbnail cannot be written.
    """
    if sum(each is not None for each in (query, image, like)) != 1:
        raise ConfigurationError("Give one thing to search for: a QUERY, --image FILE, or --like VIDEO@TIME.")
    if query is not None:
        check_query(query)
    admits = make_filter(**filters)
    opened = Lake(lake)
    searcher = Searcher(opened)
    if sys.stderr.isatty():
        click.echo(click.style("Loading the models that read queries …", dim=True), err=True)
    if image is not None:
        hits = searcher.by_image(image, admits, limit)
    elif like is not None:
        video, _, time = like.rpartition("@")
        if not video:
            raise ConfigurationError(f"--like {like} names no time: write it as talk.mp4@1:23 or talk.mp4@83.")
        hits = searcher.like(video, parse_time(time), admits, limit)
    else:
        hits = searcher.search(query or "", admits, limit)
    print_notes(searcher)
    pictures = write_thumbnails(opened, hits, thumbnails) if thumbnails else [None] * len(hits)
    columns = [field.name for field in fields(Hit)]
    rows = [asdict(hit) for hit in hits]
    if thumbnails:
        columns.append("thumbnail")
        for row, picture in zip(rows, pictures, strict=True):
            row["thumbnail"] = str(picture) if picture else None
    _print(form, rows, columns, lambda: _print_hits(hits, pictures, searcher))


def write_thumbnails(lake: Lake, hits: Sequence[Hit], folder: Path) -> list[Path | None]:
    """Write the keyframe of each hit into a folder, by the name of its video and the second that the hit begins at.

    Returns:
        The file of each hit; None where it has no picture.

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
    """Print pairs of videos that show the same.

    Raises:
        LakeError: The lake cannot be read, or has no such video.
    """
    found = Searcher(Lake(lake)).duplicates(video, min_overlap=min_overlap)

    def table() -> None:
        for pair in found:
            ahead = f"from {format_time(pair.offset_s)} of it" if pair.offset_s >= 0.5 else ""
            ahead = f"which is from {format_time(-pair.offset_s)} of this" if pair.offset_s <= -0.5 else ahead
            share = click.style(f"{format_share(pair.overlap):>4}", bold=True)
            click.echo(f"{share} of {one_line(pair.uri)}\n     is in {one_line(pair.other_uri)} {ahead}".rstrip())
        if not found:
            click.echo("No two videos show the same.", err=True)

    _print(form, [asdict(pair) for pair in found], [field.name for field in fields(Duplicate)], table)


def build_index(lake: str, *, rebuild: bool) -> None:
    """Bring the search index up to date, and print what was done.

    Raises:
        LakeError: The lake cannot be read or written, or a run is writing it.
    """
    done = update_index(Lake(lake), rebuild=rebuild, verify=True)
    what = f"{done.videos_added:,} videos read" if done.videos_added else "nothing new"
    what += ", what was damaged is made anew" if done.repaired else ""
    click.echo(f"{done.moments:,} moments of {done.videos:,} videos indexed; {what}, {done.seconds:.1f} s")


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
    """Write why a hit was found in one cell."""
    if "reasons" not in row:
        return dict(row)
    reasons = "; ".join(f"{each['kind']} {each['retriever']} {each['score']:.3f}" for each in row["reasons"])
    return {**row, "reasons": reasons}


def _print_hits(hits: Sequence[Hit], pictures: Sequence[Path | None], searcher: Searcher) -> None:
    if not hits:
        size = searcher.moments
        where = f"in {size:,} moments" if size else "in the lake: it holds no moments yet. `videolake run` fills it"
        click.echo(f"Nothing found {where}.", err=True)
    for hit, picture in zip(hits, pictures, strict=True):
        time = click.style(f"{_span(hit):>{_TIME_WIDTH}}", fg="cyan", bold=True)
        name = one_line(file_name(hit.uri))
        title = f"  {one_line(hit.headline)}" if hit.headline else ""
        click.echo(f"{time}  {click.style(name, bold=True)}{click.style(f'{title}  {hit.score:.3f}', dim=True)}")
        lines = reason_lines(hit.reasons[:3])
        if not any(reason.text == hit.text for reason in hit.reasons[:3]):
            lines.append(one_line(hit.text))
        if picture:
            lines.append(click.style(one_line(str(picture)), dim=True))
        for line in lines:
            click.echo(f"{' ' * _TIME_WIDTH}  {line}")


def _span(hit: Hit) -> str:
    """Return when a hit is, as `videolake clip` takes it."""
    start, end = format_time(hit.start_s), format_time(hit.end_s)
    return start if start == end else f"{start}-{end}"


def reason_lines(reasons: Sequence[Reason]) -> list[str]:
    """Say why a moment was found: each text once, with all retrievers that found it."""
    by_text: dict[tuple[MomentKind, str], list[Reason]] = {}
    for reason in reasons:
        by_text.setdefault((reason.kind, reason.text), []).append(reason)
    lines = []
    for (kind, _), same in by_text.items():
        why = f"({match_reason(kind, [reason.retriever for reason in same])})"
        lines.append(f"{_marked(max(same, key=lambda reason: len(reason.spans)))}  {click.style(why, dim=True)}")
    return lines


def _marked(reason: Reason) -> str:
    """Return the text of a reason with the words that matched in bold."""
    return "".join(click.style(part, fg="yellow", bold=True) if hot else part for part, hot in _parts(reason))


def _parts(reason: Reason) -> Iterable[tuple[str, bool]]:
    text, place = one_line(reason.text) or _UNNAMED, 0
    for start, end in reason.spans:
        yield text[place:start], False
        yield text[start:end], True
        place = end
    yield text[place:], False
