"""The pages of a lake: the grid, what a search finds, and what failed."""

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
from flows.web.asking import Asked, page_of, params_of, read_asked
from flows.web.catalogue import Card, Facets
from flows.web.findings import MAX_HITS, Findings
from flows.web.rendering import render
from flows.web.wording import words_of
from pipeline.view import LakeReader, Thumbnails

_MAX_NAMED = 6
_FRAME = re.compile(r"[A-Za-z0-9._-]{1,200}-f\d{1,9}")


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """The pages of one lake.

    Attributes:
        reader: The lake.
        thumbnails: Its pictures.
        findings: What searches of it find.
    """

    reader: LakeReader
    thumbnails: Thumbnails
    findings: Findings

    async def home(self, request: Request) -> Response:
        """Show the grid, or what a search found."""
        return await to_thread.run_sync(self._home, params_of(request), "home.html")

    async def results(self, request: Request) -> Response:
        """Show the same without what is around it, as the page asks for while somebody types."""
        return await to_thread.run_sync(self._home, params_of(request), "_results.html")

    async def errors(self, request: Request) -> Response:
        """Show what failed."""
        return await to_thread.run_sync(self._errors, params_of(request))

    async def thumbnail(self, request: Request) -> Response:
        """Send one picture."""
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
        """Say that the server is there."""
        del request
        await asyncio.sleep(0)
        return Response("ok", media_type="text/plain")

    def _home(self, params: Mapping[str, str], template: str) -> Response:
        asked = read_asked(params)
        facets = self.reader.ask(catalogue.facets)
        shared: dict[str, Any] = {"asked": asked, "query": asked.query, "selection": asked.selection, "facets": facets}
        if asked.searches:
            return render(template, **shared, **self._found(asked, typing=params.get("typing") == "1"))
        cards, count = self.reader.ask(partial(catalogue.cards, selection=asked.selection))
        more = replace(asked, selection=replace(asked.selection, page=asked.selection.page + 1))
        return render(
            template,
            **shared,
            params=asked.params(),
            notes=asked.problems,
            cards=cards,
            count=count,
            more=more.params() if count > asked.selection.page * catalogue.PAGE_SIZE else None,
        )

    def _found(self, asked: Asked, *, typing: bool) -> dict[str, Any]:
        found = self.findings.find(asked, typing=typing)
        hits, asked = found.hits, found.asked
        named: list[Card] = []
        if asked.query and not (asked.video or asked.speaker or asked.start or asked.end):
            question = partial(catalogue.named_so, words=asked.query, selection=asked.selection, limit=_MAX_NAMED)
            named = self.reader.ask(question)
        ids = sorted({hit.video_id for hit in hits} | ({asked.video} if asked.video else set()))
        about = self.reader.ask(partial(catalogue.cards_of, video_ids=ids))
        return {
            "hits": hits,
            "most": len(hits) >= MAX_HITS,
            "named": named,
            "about": about,
            "words": words_of(asked.query, prefix=found.typing),
            "notes": found.notes,
            "like": found.like,
            "params": asked.params(),
            "chips": _chips(asked, about),
        }

    def _errors(self, params: Mapping[str, str]) -> Response:
        page = page_of(params)
        facets: Facets = self.reader.ask(catalogue.facets)
        failures = self.reader.ask(partial(catalogue.failures, page=page))
        last = max(1, math.ceil(facets.failed / catalogue.ERRORS_PAGE_SIZE))
        return render("errors.html", failures=failures, facets=facets, page=page, last=last)


def _chips(asked: Asked, about: Mapping[str, Card]) -> list[tuple[str, dict[str, str]]]:
    """Return what a search is restricted to, beyond what the filters show, each with the parameters without it."""
    chips = []
    if asked.video:
        chips.append((f"only in {about[asked.video].name}", asked.params(video="")))
    if asked.speaker:
        chips.append((f"said by {asked.speaker}", asked.params(speaker="")))
    if asked.start:
        chips.append((f"from {asked.start}", asked.params(**{"from": ""})))
    if asked.end:
        chips.append((f"before {asked.end}", asked.params(to="")))
    if asked.selection.status == "failed":
        chips.append(("videos that failed", asked.params(status="")))
    return chips
