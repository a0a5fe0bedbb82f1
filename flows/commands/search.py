"""`videolake search`, `index` and `duplicates`: find moments, and videos that show the same; print them."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pipeline.export.text import one_line
from pipeline.lake import Lake
from pipeline.lake.present import clock
from pipeline.search import Searcher, check_query, make_filter, update_index
from pipeline.times import parse_time
from schemas.errors import ConfigurationError
from schemas.search import Hit, MomentKind, Reason

_WAYS = {"words": "words", "meaning": "meaning", "picture": "looks"}
_UNNAMED = "a picture in which nothing was recognised"
_KINDS = {"speech": "said", "screen": "on screen", "caption": "caption", "picture": "picture"}


def print_search(
    query: str | None,
    lake: str,
    *,
    image: Path | None,
    like: str | None,
    videos: Sequence[str],
    languages: Sequence[str],
    topics: Sequence[str],
    speakers: Sequence[str],
    kinds: Sequence[MomentKind],
    from_: str | None,
    to: str | None,
    limit: int,
    form: str,
) -> None:
    """Search and print what was found.

    Raises:
        ConfigurationError: Not one thing to search for was given, or a time or picture cannot be read.
        LakeError: The lake cannot be read, or has no such video, language, speaker or topic.
        ModelError: The model that a picture must be encoded by is not there.
    """
    if sum(each is not None for each in (query, image, like)) != 1:
        raise ConfigurationError("Give one thing to search for: a QUERY, --image FILE, or --like VIDEO@TIME.")
    if query is not None:
        check_query(query)
    filters = make_filter(
        videos=videos, languages=languages, topics=topics, speakers=speakers, kinds=kinds, from_s=from_, to_s=to
    )
    searcher = Searcher(Lake(lake))
    if sys.stderr.isatty():
        click.echo(click.style("Loading the models that read queries …", dim=True), err=True)
    if image is not None:
        hits = searcher.by_image(image, filters, limit)
    elif like is not None:
        video, _, time = like.rpartition("@")
        if not video:
            raise ConfigurationError(f"--like {like} names no time: write it as talk.mp4@1:23 or talk.mp4@83.")
        hits = searcher.like(video, parse_time(time), filters, limit)
    else:
        hits = searcher.search(query or "", filters, limit)
    for note in searcher.notes:
        click.echo(click.style("note: ", fg="yellow") + note, err=True)
    _print(form, [asdict(hit) for hit in hits], _row, lambda: _print_hits(hits, searcher))


def print_duplicates(video: str | None, lake: str, *, least_overlap: float, form: str) -> None:
    """Print pairs of videos that show the same.

    Raises:
        LakeError: The lake cannot be read, or has no such video.
    """
    found = Searcher(Lake(lake)).duplicates(video, least_overlap=least_overlap)

    def table() -> None:
        for pair in found:
            ahead = f"from {clock(pair.offset_s)} of it" if pair.offset_s >= 0.5 else ""
            ahead = f"which is from {clock(-pair.offset_s)} of this" if pair.offset_s <= -0.5 else ahead
            share = click.style(f"{pair.overlap:>4.0%}", bold=True)
            click.echo(f"{share} of {one_line(pair.uri)}\n     is in {one_line(pair.other_uri)} {ahead}".rstrip())
        if not found:
            click.echo("No two videos show the same.", err=True)

    _print(form, [asdict(pair) for pair in found], lambda row: row, table)


def build_index(lake: str, *, rebuild: bool) -> None:
    """Bring the search index up to date, and print what was done.

    Raises:
        LakeError: The lake cannot be read or written, or a run is writing it.
    """
    done = update_index(Lake(lake), rebuild=rebuild)
    what = f"{done.videos_added:,} videos read" if done.videos_added else "nothing new"
    click.echo(f"{done.moments:,} moments of {done.videos:,} videos indexed; {what}, {done.seconds:.1f} s")


def _print(form: str, rows: list[dict[str, Any]], flat: Any, table: Any) -> None:  # noqa: ANN401 - functions
    if form == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif form == "csv":
        flattened = [flat(row) for row in rows]
        if flattened:
            writer = csv.DictWriter(sys.stdout, list(flattened[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(flattened)
    else:
        table()


def _row(hit: Mapping[str, Any]) -> dict[str, Any]:
    reasons = "; ".join(f"{each['kind']} {each['way']} {each['score']:.3f}" for each in hit["reasons"])
    return {**hit, "reasons": reasons}


def _print_hits(hits: Sequence[Hit], searcher: Searcher) -> None:
    if not hits:
        size = searcher.moments
        where = f"in {size:,} moments" if size else "in the lake: it holds no moments yet. `videolake run` fills it"
        click.echo(f"Nothing found {where}.", err=True)
    for hit in hits:
        time = click.style(f"{clock(hit.start_s):>8}", fg="cyan", bold=True)
        name = one_line(hit.uri).rsplit("/", 1)[-1]
        title = f"  {one_line(hit.headline)}" if hit.headline else ""
        click.echo(f"{time}  {click.style(name, bold=True)}{click.style(title, dim=True)}")
        for line in reason_lines(hit.reasons[:3]):
            click.echo(f"          {line}")
        if not any(reason.text == hit.text for reason in hit.reasons[:3]):
            click.echo(f"          {one_line(hit.text)}")


def reason_lines(reasons: Sequence[Reason]) -> list[str]:
    """Say why a moment was found: each text once, with all ways that found it."""
    by_text: dict[tuple[str, str], list[Reason]] = {}
    for reason in reasons:
        by_text.setdefault((reason.kind, reason.text), []).append(reason)
    lines = []
    for (kind, _), same in by_text.items():
        why = f"({_KINDS[kind]}, {' and '.join(_WAYS[reason.way] for reason in same)})"
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
