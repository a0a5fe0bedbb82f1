"""The public Python API: one `Lake` that people query, search and look at in notebooks."""

from collections.abc import Sequence

import pyarrow as pa

from pipeline import lake as storage
from pipeline.search import Searcher, check_query, hits_table, make_filter
from pipeline.view import HitsPage, VideoPage, hits_page, lake_html, video_page


class Lake(storage.Lake):
    """A lake with search and notebook pages; `search` keeps in memory what it has read.

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
        """Find the moments that answer a query; for more than a few, keep a `pipeline.search.Searcher`.

        Args:
            query: Any text; a "phrase in quotation marks" must be there word by word.
            limit: Hits at most, 1 or more.
            **filters: Fields of `schemas.search.Filter`; one name or several of each, as `languages="en"`; videos by
                id, path or file name; times in seconds or as `"1:23"`.

        Returns:
            Hits, the best first: `video_id`, `uri`, `headline`, `start_s`, `end_s`, `text`, `frame_id`, `score` and
            `reasons`.

        Raises:
            ConfigurationError: There is no word in the query, or a filter or the limit is none.
            FilterError: A filter names what no moment of the lake has.
            LakeError: The lake cannot be read, or has no such video.
        """
        check_query(query)
        admitted = make_filter(**filters)

        if self._searcher is None:
            self._searcher = Searcher(self, refresh_s=0.0)
        return hits_table(self._searcher.search(query, admitted, limit))

    def show(self, found: str | pa.Table) -> VideoPage | HitsPage:
        """Return what a notebook shows of a video, or of what `search` found, with pictures.

        Args:
            found: What names a video (id, path, file name), or a table of hits.

        Raises:
            LakeError: No video is called so, or several are.
        """
        return video_page(self, found) if isinstance(found, str) else hits_page(self, found)
