"""The public Python API: a `Lake` to query, search and view in notebooks."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline import lake as storage
from pipeline.view import HitsPage, VideoPage, hits_page, lake_html, video_page

if TYPE_CHECKING:
    from pipeline.search import Searcher


class Lake(storage.Lake):
    """A lake with search and notebook pages. `search` caches in memory what it has read.

    Args:
        uri: Local path, `file://`, `memory://`, `s3://` or any other URI that fsspec or Arrow knows.

    Raises:
        LakeError: There is no lake, or a newer Videolake made it.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self._searcher: Searcher | None = None

    def _repr_html_(self) -> str:
        return lake_html(self)

    def search(self, query: str, *, limit: int = 20, **filters: str | float | Sequence[str]) -> pa.Table:
        """Find the moments that match a query. For many queries, keep a `pipeline.search.Searcher`.

        Args:
            query: Any text. A "phrase in quotation marks" must match word by word.
            limit: Maximum number of hits, 1 or more.
            **filters: Fields of `schemas.search.Filter`. Each takes one name or several, as `languages="en"`. Videos
                go by id, path or file name, and times are in seconds or like `"1:23"`.

        Returns:
            Hits, best first: `video_id`, `uri`, `headline`, `start_s`, `end_s`, `text`, `frame_id`, `score` and
            `reasons`.

        Raises:
            ConfigurationError: The query has no word, or a filter or the limit is invalid.
            FilterError: No moment of the lake has a value that a filter names.
            LakeError: The lake cannot be read, or has no such video.
        """
        # PyTorch takes seconds to import, and queries in SQL do without.
        from pipeline.search import Searcher, check_query, hits_table, make_filter

        check_query(query)
        admitted = make_filter(**filters)

        if self._searcher is None:
            self._searcher = Searcher(self, refresh_s=0.0)
        return hits_table(self._searcher.search(query, admitted, limit))

    def forget(self, videos: Sequence[str], *, clear_index: storage.ClearIndex | None = None) -> storage.Forgotten:
        """Remove every byte of some videos from the lake's files, and keep later runs from bringing them back.

        Args:
            videos: Each by id, the start of an id, file name, path or URI.
            clear_index: Removes videos from the search index; default: it is rebuilt without them.

        Returns:
            What was removed. docs/forget.md lists what this cannot reach.

        Raises:
            LakeError: No video has this name, or several have it; or the lake cannot be written, or another writer
                holds it.
        """
        from pipeline.search import remove_from_index

        return super().forget(videos, clear_index=clear_index or partial(remove_from_index, self))

    def show(self, found: str | pa.Table) -> VideoPage | HitsPage:
        """Show a video or the hits of `search` in a notebook, with thumbnails.

        Args:
            found: A video by id, path or file name; or a table of hits.

        Raises:
            LakeError: No video has this name, or several have it.
        """
        return video_page(self, found) if isinstance(found, str) else hits_page(self, found)
