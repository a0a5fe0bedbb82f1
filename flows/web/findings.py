"""What searches find, as the pages ask for it."""

from dataclasses import dataclass, replace
from functools import partial

from flows.web import catalogue
from flows.web.asking import Asked, seconds_of
from flows.web.catalogue import Card
from pipeline.lake import find_video
from pipeline.search import Searcher
from pipeline.view import LakeReader
from schemas.errors import FilterError, LakeError
from schemas.search import Filter, Hit

MAX_HITS = 48
_MAX_IN_VIDEO = 60


@dataclass(frozen=True, slots=True)
class Found:
    """What answers a search."""

    asked: Asked
    """What was searched for in the end: without what cannot be had."""
    hits: list[Hit]
    typing: bool
    """Whether the last word was taken for the beginning of one."""
    notes: tuple[str, ...]
    """What a person should know."""
    like: tuple[Card, float] | None = None
    """The video and second of which the like was searched for."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Searches of one lake.

    Attributes:
        reader: The lake.
        searcher: Its search.
    """

    reader: LakeReader
    searcher: Searcher

    def find(self, asked: Asked, *, typing: bool = False) -> Found:
        """Find moments that answer a query, or are like one.

        Args:
            asked: With a query, or a moment.
            typing: Take the last word for the beginning of one.

        Raises:
            LakeError: The lake cannot be read.
        """
        notes = [*asked.problems]
        if asked.video:
            video = self._card(asked.video)
            if isinstance(video, str):
                notes.append(video)
            asked = replace(asked, video=video.video_id if isinstance(video, Card) else "")
        filters = self._filters(asked)
        if filters is None:
            failed = asked.selection.status == "failed"
            notes += ["In videos that failed there is nothing to find; only their names are."] if failed else []
            return Found(asked, [], typing, tuple(notes))
        if not asked.query:
            return self._like(asked, filters, notes)
        try:
            hits = self.searcher.search(asked.query, filters, MAX_HITS, prefix=typing)
            if not hits and not typing:
                # A half word that was found while it was typed is found again by the address that it left.
                typing = True
                hits = self.searcher.search(asked.query, filters, MAX_HITS, prefix=True)
        except FilterError as error:
            # An old address names what the lake no longer has.
            return Found(asked, [], typing, (*notes, str(error)))
        return Found(asked, hits, typing, (*notes, *self.searcher.notes))

    def in_video(self, video_id: str, query: str, speaker: str) -> list[Hit]:
        """Find moments of one video, in order of time."""
        filters = Filter(videos=(video_id,), speakers=(speaker,) if speaker else ())
        try:
            return sorted(self.searcher.search(query, filters, _MAX_IN_VIDEO), key=lambda hit: hit.start_s)
        except FilterError:
            return []

    def _like(self, asked: Asked, filters: Filter, notes: list[str]) -> Found:
        name, time_s = asked.like_moment
        video = self._card(name)
        if isinstance(video, str):
            return Found(asked, [], typing=False, notes=(*notes, video))
        try:
            hits = self.searcher.like(video.video_id, time_s, filters, MAX_HITS)
        except LakeError as error:
            return Found(asked, [], typing=False, notes=(*notes, str(error)), like=(video, time_s))
        return Found(asked, hits, typing=False, notes=(*notes, *self.searcher.notes), like=(video, time_s))

    def _card(self, video: str) -> Card | str:
        """Return the video that goes by a name, or why there is none."""
        known = self.reader.ask(partial(catalogue.cards_of, video_ids=[video]))
        if video in known:
            return known[video]
        try:
            video_id = self.reader.ask(partial(find_video, video=video))
        except LakeError as error:
            return str(error)
        return self.reader.ask(partial(catalogue.cards_of, video_ids=[video_id]))[video_id]

    def _filters(self, asked: Asked) -> Filter | None:
        """Return which moments may be found; None where there can be none."""
        chosen = asked.selection
        videos: tuple[str, ...] = (asked.video,) if asked.video else ()
        if chosen.kind:
            of_kind = self.reader.ask(partial(catalogue.ids_of, kind=chosen.kind))
            videos = tuple(set(of_kind) & set(videos or of_kind))
        if chosen.status == "failed" or (chosen.kind and not videos):
            return None
        return Filter(
            videos=videos,
            languages=(chosen.language,) if chosen.language else (),
            topics=(chosen.topic,) if chosen.topic else (),
            speakers=(asked.speaker,) if asked.speaker else (),
            kinds=asked.kinds,
            from_s=seconds_of(asked.start),
            to_s=seconds_of(asked.end),
        )
