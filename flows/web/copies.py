"""Near-duplicates of videos, cached until the lake changes."""

import threading
from functools import partial

from flows.web import catalogue
from flows.web.catalogue import Card
from pipeline.search import Searcher
from pipeline.view import LakeReader
from schemas.search import Duplicate

_MAX_SHOWN = 20
_MAX_KEPT = 1000


class Copies:
    """Near-duplicates of videos. Comparing keyframes takes a second or more in a large lake, so results are cached.

    Args:
        reader: The lake.
        searcher: Its search.
    """

    def __init__(self, reader: LakeReader, searcher: Searcher) -> None:
        self._reader = reader
        self._searcher = searcher
        self._state = ""
        self._kept: dict[str, list[Duplicate]] = {}
        self._comparing = threading.Lock()

    def of(self, video_id: str) -> list[tuple[Duplicate, Card]]:
        """Return the near-duplicates of a video, those with the largest overlap first.

        Raises:
            LakeError: There is no such video, or the lake cannot be read.
        """
        # One at a time, because comparing uses all processors.
        with self._comparing:
            state = self._reader.state
            if state != self._state or len(self._kept) >= _MAX_KEPT:
                self._state, self._kept = state, {}
            if video_id not in self._kept:
                self._kept[video_id] = self._searcher.duplicates(video_id)[:_MAX_SHOWN]
            found = self._kept[video_id]
        cards = self._reader.ask(partial(catalogue.cards_of, video_ids=[each.other_id for each in found]))
        return [(each, cards[each.other_id]) for each in found if each.other_id in cards]
