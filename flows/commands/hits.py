"""What a search finds, for commands that do something with it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from pipeline.export import one_line
from pipeline.lake import Lake
from schemas.errors import ExportError
from schemas.search import Hit

if TYPE_CHECKING:
    from pipeline.search import Searcher


def found(lake: Lake, query: str, filters: Mapping[str, Any], limit: int) -> list[Hit]:
    """Search, and say on standard error what a person should know of the answer.

    Args:
        lake: The lake.
        query: What to search for.
        filters: As `pipeline.search.make_filter` takes them.
        limit: Hits at most.

    Returns:
        Hits, the best first; at least one.

    Raises:
        ConfigurationError: There is no word in the query, or a filter cannot be read.
        LakeError: The lake cannot be read, or has nothing of a filter's name.
        ExportError: Nothing was found.
    """
    from pipeline.search import Searcher, check_query, make_filter

    check_query(query)
    searcher = Searcher(lake)
    hits = searcher.search(query, make_filter(**filters), limit)
    print_notes(searcher)
    if not hits:
        what = " that the filters admit" if filters else ""
        raise ExportError(f"Nothing in the lake{what} answers {one_line(query)!r}.")
    return hits


def print_notes(searcher: "Searcher") -> None:
    """Say on standard error what a person should know of the answers."""
    for note in searcher.notes:
        click.echo(click.style("note: ", fg="yellow") + note, err=True)
