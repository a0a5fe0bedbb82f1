"""Search for commands that process the hits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipeline.export import one_line
from pipeline.lake import Lake
from schemas.errors import ExportError
from schemas.search import Hit

if TYPE_CHECKING:
    from pipeline.search import Searcher


def found(lake: Lake, query: str, filters: Mapping[str, Any], limit: int) -> list[Hit]:
    """Search, and print warnings about the results to standard error.

    Args:
        lake: The lake.
        query: Text to search for.
        filters: Arguments of `pipeline.search.make_filter`.
        limit: Maximum number of hits.

    Returns:
        At least one hit, best first.

    Raises:
        ConfigurationError: The query has no word in it, or a filter is invalid.
        LakeError: The lake cannot be read, or a filter names something that it does not have.
        ExportError: Nothing was found.
    """
    from pipeline.search import Searcher, check_query, make_filter

    check_query(query)
    searcher = Searcher(lake)
    hits = searcher.search(query, make_filter(**filters), limit)
    print_notes(searcher, hits)
    if not hits:
        with_filters = " with these filters" if filters else ""
        raise ExportError(f"Nothing in the lake matches {one_line(query)!r}{with_filters}. Try other words.")
    return hits


def print_notes(searcher: "Searcher", hits: Sequence[Hit] = ()) -> None:
    """Print warnings about the results of a search to standard error.

    Args:
        searcher: It has just searched.
        hits: The result of a text query.
    """
    from pipeline.search import weak_note

    weak = weak_note(hits)
    for note in (*searcher.notes, *((weak,) if weak else ())):
        click.echo(click.style("note: ", fg="yellow") + note, err=True)
