"""The pages of a lake: the grid of videos, search results, errors, and thumbnails."""

import asyncio
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from flows.web import catalogue
from flows.web.catalogue import Card, Facets
from flows.web.rendering import render
from flows.web.search import MAX_HITS, SearchService
from flows.web.search_parameters import SearchParameters, page_of, params_of, read_parameters
from flows.web.wording import words_of
from pipeline.view import LakeReader, Thumbnails

_MAX_NAMED = 6
_FRAME = re.compile(r"[A-Za-z0-9._-]{1,200}-f\d{1,9}")


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """The pages of one lake.

    Attributes:
        reader: The lake.
        thumbnails: Its thumbnails.
        service: Its search.
    """

    reader: LakeReader
    thumbnails: Thumbnails
    service: SearchService

    async def home(self, request: Request) -> Response:
        """Show the grid of videos, or the results of a search."""
        return await to_thread.run_sync(self._home, params_of(request), "home.html")

    async def results(self, request: Request) -> Response:
        """Return only the results, for the script that updates the page while somebody types."""
        return await to_thread.run_sync(self._home, params_of(request), "_results.html")

    async def errors(self, request: Request) -> Response:
        """Show the videos that failed."""
        return await to_thread.run_sync(self._errors, params_of(request))

    async def thumbnail(self, request: Request) -> Response:
        """Send the thumbnail of a keyframe."""
        frame_id = request.path_params["frame_id"]
        jpeg = await to_thread.run_sync(self.thumbnails.get, frame_id) if _FRAME.fullmatch(frame_id) else None
        if jpeg is None:
            return Response(status_code=404)
        headers = {
            "etag": f'"{hashlib.sha256(jpeg).hexdigest()[:16]}"',
            "cache-control": "private, max-age=600",
        }
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    async def health(self, request: Request) -> Response:
        """Answer that the server is running."""
        del request
        await asyncio.sleep(0)
        return Response("ok", media_type="text/plain")

    def _home(self, params: Mapping[str, str], template: str) -> Response:
        parameters = read_parameters(params)
        selection = parameters.selection
        shared: dict[str, Any] = {
            "parameters": parameters,
            "query": parameters.query,
            "selection": selection,
            "facets": self.reader.ask(catalogue.facets),
        }
        if parameters.finds_moments:
            return render(template, **shared, **self._results(parameters, typing=params.get("typing") == "1"))
        cards, count = self.reader.ask(partial(catalogue.cards, selection=selection))
        next_page = replace(parameters, selection=replace(selection, page=selection.page + 1))
        return render(
            template,
            **shared,
            params=parameters.params(),
            notes=parameters.problems,
            cards=cards,
            count=count,
            more=next_page.params() if count > selection.page * catalogue.PAGE_SIZE else None,
        )

    def _results(self, parameters: SearchParameters, *, typing: bool) -> dict[str, Any]:
        """Search, and return what the template needs."""
        results = self.service.search(parameters, typing=typing)
        hits, parameters = results.hits, results.parameters
        named: list[Card] = []
        within = (parameters.video, parameters.speaker, parameters.objects, parameters.sound, parameters.entity)
        if parameters.query and not any((*within, parameters.start, parameters.end)):
            named = self.reader.ask(
                partial(catalogue.cards_named, words=parameters.query, selection=parameters.selection, limit=_MAX_NAMED)
            )
        ids = sorted({hit.video_id for hit in hits} | ({parameters.video} if parameters.video else set()))
        cards = self.reader.ask(partial(catalogue.cards_of, video_ids=ids))
        return {
            "hits": hits,
            "limited": len(hits) >= MAX_HITS,
            "named": named,
            "hit_cards": cards,
            "words": words_of(parameters.query, prefix=results.typing),
            "notes": results.notes,
            "like": results.like,
            "params": parameters.params(),
            "chips": _chips(parameters, cards),
        }

    def _errors(self, params: Mapping[str, str]) -> Response:
        page = page_of(params)
        facets: Facets = self.reader.ask(catalogue.facets)
        failures = self.reader.ask(partial(catalogue.failures, page=page))
        last = max(1, math.ceil((facets.failed + facets.incomplete) / catalogue.ERRORS_PAGE_SIZE))
        return render("errors.html", failures=failures, facets=facets, page=page, last=last)


def _chips(parameters: SearchParameters, cards: Mapping[str, Card]) -> list[tuple[str, dict[str, str]]]:
    """Return the restrictions that the filters do not show, each with the URL parameters that remain without it."""
    chips = []
    if parameters.video:
        chips.append((f"only in {cards[parameters.video].name}", parameters.params(video="")))
    if parameters.speaker:
        chips.append((f"speaker {parameters.speaker}", parameters.params(speaker="")))
    if parameters.objects:
        chips.append((f"shows {parameters.objects}", parameters.params(object="")))
    if parameters.sound:
        chips.append((f"with {parameters.sound}", parameters.params(sound="")))
    if parameters.entity:
        chips.append((f"mentions {parameters.entity}", parameters.params(entity="")))
    if parameters.start:
        chips.append((f"from {parameters.start}", parameters.params(**{"from": ""})))
    if parameters.end:
        chips.append((f"before {parameters.end}", parameters.params(to="")))
    if parameters.selection.status != "ok":
        chips.append((f"{parameters.selection.status} videos", parameters.params(status="")))
    return chips
