"""The public Python API: a `Lake` to query, search and view in notebooks."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline import lake as storage
from pipeline.view import HitsPage, VideoPage, hits_page, lake_html, video_page

if TYPE_CHECKING:
    from pipeline.corrections import History, Recorded
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

    def correct(
        self,
        video: str,
        *,
        at: str | float | None = None,
        text: str | None = None,
        spoken_by: str | None = None,
        speakers: Mapping[str, str] | None = None,
        headline: str | None = None,
        chapter_title: str | None = None,
        topics: Sequence[str] = (),
        no_topics: Sequence[str] = (),
        transcript: str | Path | None = None,
        author: str = "unknown",
    ) -> "Recorded":
        """Correct what the analysis of a video got wrong; see docs/corrections.md.

        Args:
            video: Id, start of an id, file name, path or URI.
            at: Time of the utterance or chapter, in seconds or like `"1:23"`.
            text: What is said there; an empty text removes it.
            spoken_by: Who says it, in this utterance only.
            speakers: Names by the automatic or present name of a speaker, for the whole video.
            headline: The headline.
            chapter_title: The title of the chapter at `at`.
            topics: Topics that are missing.
            no_topics: Topics that do not apply.
            transcript: A corrected .srt, .vtt, .csv or .json file. What differs is corrected.
            author: Who makes the corrections.

        Returns:
            The corrections that were recorded, and why they are not applied yet, if they are not.

        Raises:
            ConfigurationError: Nothing is there to correct, or a value is invalid.
            LakeError: There is no such video, or the lake cannot be written.
        """
        from pipeline.corrections import PARTS, compare, correct_record, edits_of, read_transcript

        record = storage.read_video(self, video, parts=PARTS)
        edits = edits_of(
            record, at=at, text=text, spoken_by=spoken_by, speakers=tuple((speakers or {}).items()), headline=headline,
            chapter_title=chapter_title, topics=topics, no_topics=no_topics,
        )  # fmt: skip
        if transcript is not None:
            edits += compare(record, read_transcript(Path(transcript))).edits
        return correct_record(self, record, edits, author=author)

    def corrections_of(self, video: str) -> "History":
        """Return all corrections of a video, newest first, with those that were undone or no longer fit."""
        from pipeline.corrections import history

        return history(self, video)

    def undo_correction(self, video: str, correction: str, *, author: str = "unknown") -> "Recorded":
        """Take back a correction of a video, or an undo, by the start of its id."""
        from pipeline.corrections import undo

        return undo(self, video, correction, author=author)

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
