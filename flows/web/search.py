"""Searches for the pages: resolve the parameters, search, and say what the user should know about the results."""

from dataclasses import dataclass, replace
from functools import partial

from flows.web import catalogue
from flows.web.catalogue import Card
from flows.web.search_parameters import SearchParameters, names_of, seconds_of
from pipeline.lake import find_video
from pipeline.search import Searcher, make_filter, weak_note
from pipeline.view import LakeReader
from schemas.errors import FilterError, LakeError
from schemas.search import Filter, Hit

MAX_HITS = 48
_MAX_IN_VIDEO = 60


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The results of a search."""

    parameters: SearchParameters
    """The parameters used, without those that name nothing in the lake."""
    hits: list[Hit]
    typing: bool
    """Whether the last word was treated as a prefix."""
    notes: tuple[str, ...]
    """Messages for the user."""
    like: tuple[Card, float] | None = None
    """Video and time, in seconds, of the moment that similar ones were searched for."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchService:
    """Searches of one lake.

    Attributes:
        reader: The lake.
        searcher: Its search.
    """

    reader: LakeReader
    searcher: Searcher

    def search(self, parameters: SearchParameters, *, typing: bool = False) -> SearchResults:
        """Find moments that match a query or are similar to a moment.

        Args:
            parameters: With a query or a moment.
            typing: Treat the last word as a prefix.

        Raises:
            LakeError: The lake cannot be read.
        """
        notes = [*parameters.problems]
        if parameters.video:
            video = self._card(parameters.video)
            if isinstance(video, str):
                notes.append(video)
            parameters = replace(parameters, video=video.video_id if isinstance(video, Card) else "")
        filters = self._filters(parameters)
        if filters is None:
            failed = parameters.selection.status == "failed"
            notes += ["Videos that failed have no moments. Only their names are searched."] if failed else []
            return SearchResults(parameters, [], typing, tuple(notes))
        if not parameters.query:
            return self._similar(parameters, filters, notes)
        try:
            hits = self.searcher.search(parameters.query, filters, MAX_HITS, prefix=typing)
            if not hits and not typing:
                # While somebody typed, half a word found something and got into the URL, which must find it again.
                typing = True
                hits = self.searcher.search(parameters.query, filters, MAX_HITS, prefix=True)
        except FilterError as error:
            # An old URL may name what the lake no longer has.
            return SearchResults(parameters, [], typing, (*notes, str(error)))
        weak = None if typing else weak_note(hits)
        notes += [weak] if weak else []
        return SearchResults(parameters, hits, typing, (*notes, *self.searcher.notes))

    def in_video(self, video_id: str, query: str, speaker: str) -> list[Hit]:
        """Find moments of one video, in order of time."""
        filters = Filter(videos=(video_id,), speakers=(speaker,) if speaker else ())
        try:
            return sorted(self.searcher.search(query, filters, _MAX_IN_VIDEO), key=lambda hit: hit.start_s)
        except FilterError:
            return []

    def _similar(self, parameters: SearchParameters, filters: Filter, notes: list[str]) -> SearchResults:
        moment = parameters.like_moment
        video = self._card(moment.video)
        if isinstance(video, str):
            return SearchResults(parameters, [], typing=False, notes=(*notes, video))
        like = (video, moment.time_s)
        try:
            hits = self.searcher.like(video.video_id, moment.time_s, filters, MAX_HITS)
        except LakeError as error:
            return SearchResults(parameters, [], typing=False, notes=(*notes, str(error)), like=like)
        return SearchResults(parameters, hits, typing=False, notes=(*notes, *self.searcher.notes), like=like)

    def _card(self, video: str) -> Card | str:
        """Return the video with a name, or a message if there is not exactly one."""
        known = self.reader.ask(partial(catalogue.cards_of, video_ids=[video]))
        if video in known:
            return known[video]
        try:
            video_id = self.reader.ask(partial(find_video, video=video))
        except LakeError as error:
            return str(error)
        return self.reader.ask(partial(catalogue.cards_of, video_ids=[video_id]))[video_id]

    def _filters(self, parameters: SearchParameters) -> Filter | None:
        """Return which moments may be found; None if the selection has none."""
        selection = parameters.selection
        videos: tuple[str, ...] = (parameters.video,) if parameters.video else ()
        if selection.kind:
            of_kind = self.reader.ask(partial(catalogue.ids_of, kind=selection.kind))
            videos = tuple(set(of_kind) & set(videos or of_kind))
        if selection.status == "failed" or (selection.kind and not videos):
            return None
        return make_filter(
            videos=videos,
            languages=(selection.language,) if selection.language else (),
            topics=(selection.topic,) if selection.topic else (),
            speakers=(parameters.speaker,) if parameters.speaker else (),
            objects=names_of(parameters.objects),
            sounds=(parameters.sound,) if parameters.sound else (),
            entities=(parameters.entity,) if parameters.entity else (),
            kinds=parameters.kinds,
            from_s=seconds_of(parameters.start),
            to_s=seconds_of(parameters.end),
        )
