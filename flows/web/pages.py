"""What each address answers."""

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
from flows.web.catalogue import Facets, Selection
from flows.web.film import Film, read_film
from flows.web.media import NoOriginal, ending_of, find_original, playable, serve_original
from flows.web.reader import LakeReader
from flows.web.rendering import render
from flows.web.thumbnails import Thumbnails
from flows.web.timeline import make_timeline
from flows.web.wording import words_of
from pipeline.search import Searcher
from pipeline.times import parse_time
from schemas.errors import ConfigurationError, FilterError
from schemas.search import MOMENT_KINDS, Filter, Hit, MomentKind

MOST_HITS = 48
_MOST_NAMED = 6
_MOST_IN_VIDEO = 60
_LONGEST_QUERY = 300
FIRST_LINES = 200
_LATER_PAGES = 1_000_000
_FRAME = re.compile(r"[A-Za-z0-9._-]{1,200}-f\d{1,9}")
_KINDS: Mapping[str, MomentKind] = {kind: kind for kind in MOMENT_KINDS}


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """The pages of one lake.

    Attributes:
        reader: The lake.
        thumbnails: Its pictures.
        searcher: Its search.
        media_roots: Where originals may come from; none: anywhere the lake says.
    """

    reader: LakeReader
    thumbnails: Thumbnails
    searcher: Searcher
    media_roots: tuple[str, ...] = ()

    async def home(self, request: Request) -> Response:
        """Show the grid, or what a search found."""
        return await to_thread.run_sync(self._home, _params(request), "home.html")

    async def results(self, request: Request) -> Response:
        """Show the same without what is around it, as the page asks for while somebody types."""
        return await to_thread.run_sync(self._home, _params(request), "_results.html")

    async def video(self, request: Request) -> Response:
        """Show one video."""
        return await to_thread.run_sync(self._video, request.path_params["video_id"], _params(request))

    async def transcript(self, request: Request) -> Response:
        """Show the lines of a long transcript that its page left out."""
        return await to_thread.run_sync(self._transcript, request.path_params["video_id"], _params(request))

    async def errors(self, request: Request) -> Response:
        """Show what failed."""
        return await to_thread.run_sync(self._errors, _params(request))

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

    async def media(self, request: Request) -> Response:
        """Send the original, or the part that is asked for."""
        video_id = request.path_params["video_id"]
        found = await to_thread.run_sync(partial(self.reader.ask, partial(_places, video_id=video_id)))
        if found is None:
            return Response(status_code=404)
        original = await to_thread.run_sync(find_original, *found, self.media_roots)
        if isinstance(original, NoOriginal):
            return Response(original.reason, 404, media_type="text/plain")
        asked = request.headers
        return serve_original(original, asked.get("range"), asked.get("if-range"), head=request.method == "HEAD")

    async def health(self, request: Request) -> Response:
        """Say that the server is there."""
        del request
        await asyncio.sleep(0)
        return Response("ok", media_type="text/plain")

    def _home(self, params: Mapping[str, str], template: str) -> Response:
        query = params.get("q", "").strip()[:_LONGEST_QUERY]
        selection = _selection(params)
        facets = self.reader.ask(catalogue.facets)
        shared: dict[str, Any] = {
            "query": query,
            "selection": selection,
            "facets": facets,
            "params": _kept(params, query, selection),
        }
        if query:
            return render(template, **shared, **self._found(query, params, selection))
        cards, count = self.reader.ask(partial(catalogue.cards, selection=selection))
        more = replace(selection, page=selection.page + 1)
        return render(
            template,
            **shared,
            cards=cards,
            count=count,
            more=_kept(params, "", more) if count > selection.page * catalogue.PAGE_SIZE else None,
        )

    def _found(self, query: str, params: Mapping[str, str], selection: Selection) -> dict[str, Any]:
        filters = Filter(
            languages=(selection.language,) if selection.language else (),
            topics=(selection.topic,) if selection.topic else (),
            kinds=tuple(kind for name, kind in _KINDS.items() if name == params.get("moment")),
        )
        typing = params.get("typing") == "1"
        hits = self._search(query, filters, MOST_HITS, prefix=typing)
        if not hits and not typing:
            # A half word that was found while it was typed is found again by the address that it left.
            typing = True
            hits = self._search(query, filters, MOST_HITS, prefix=True)
        named = self.reader.ask(partial(catalogue.named_so, words=query, limit=_MOST_NAMED))
        about = self.reader.ask(partial(catalogue.cards_of, video_ids=sorted({hit.video_id for hit in hits})))
        return {
            "hits": hits,
            "named": named,
            "about": about,
            "words": words_of(query, prefix=typing),
            "notes": self.searcher.notes,
            "moment": params.get("moment", ""),
        }

    def _search(self, query: str, filters: Filter, limit: int, *, prefix: bool = False) -> list[Hit]:
        try:
            return self.searcher.search(query, filters, limit, prefix=prefix)
        except FilterError:
            # An old address names what the lake no longer has.
            return []

    def _video(self, video_id: str, params: Mapping[str, str]) -> Response:
        film = self.reader.ask(partial(read_film, video_id=video_id))
        if film is None:
            message = "The lake holds no video of this id. It may have been analysed under another one."
            return render("message.html", status=404, title="No such video", message=message)
        query = params.get("q", "").strip()[:_LONGEST_QUERY]
        speaker = _speaker(params, film)
        hits = self._hits_in(film, query, speaker) if query and film.status == "ok" else []
        original = find_original(film.uris, film.row["size_bytes"], self.media_roots)
        return render(
            "video.html",
            film=film,
            start_s=_seconds(params.get("t", ""), film.duration_s),
            query=query,
            words=words_of(query),
            speaker=speaker,
            lines=film.lines_of(speaker),
            hits=hits,
            timeline=make_timeline(film, hits),
            missing=original.reason if isinstance(original, NoOriginal) else "",
            obstacle=playable(ending_of(film.uri), film.row["video_codec"]),
            first_lines=FIRST_LINES,
        )

    def _hits_in(self, film: Film, query: str, speaker: str) -> list[Hit]:
        filters = Filter(videos=(film.video_id,), speakers=(speaker,) if speaker else ())
        found = self._search(query, filters, _MOST_IN_VIDEO)
        return sorted(found, key=lambda hit: hit.start_s)

    def _transcript(self, video_id: str, params: Mapping[str, str]) -> Response:
        film = self.reader.ask(partial(read_film, video_id=video_id))
        if film is None:
            return Response(status_code=404)
        lines = film.lines_of(_speaker(params, film))[FIRST_LINES:]
        return render("_lines.html", lines=lines, film=film, words=words_of(params.get("q", "")[:_LONGEST_QUERY]))

    def _errors(self, params: Mapping[str, str]) -> Response:
        page = _page(params)
        facets: Facets = self.reader.ask(catalogue.facets)
        failures = self.reader.ask(partial(catalogue.failures, page=page))
        last = max(1, math.ceil(facets.failed / catalogue.ERRORS_PAGE_SIZE))
        return render("errors.html", failures=failures, facets=facets, page=page, last=last)


def _places(connection: Any, video_id: str) -> tuple[list[str], int] | None:  # noqa: ANN401 - a DuckDB connection
    query = "SELECT uris, size_bytes FROM videos WHERE video_id = $video AND status = 'ok'"
    row: tuple[list[str], int] | None = connection.execute(query, {"video": video_id}).fetchone()
    return row


def _params(request: Request) -> Mapping[str, str]:
    return {name: value.replace("\0", "") for name, value in request.query_params.items()}


def _speaker(params: Mapping[str, str], film: Film) -> str:
    speaker = params.get("speaker", "")
    return speaker if speaker in film.speakers else ""


def _selection(params: Mapping[str, str]) -> Selection:
    return Selection(
        language=params.get("language", "")[:20],
        topic=params.get("topic", "")[:200],
        kind=params.get("kind", "")[:20],
        status="failed" if params.get("status") == "failed" else "ok",
        sort=params.get("sort", "newest") if params.get("sort") in catalogue.SORTS else "newest",
        page=_page(params),
    )


def _kept(params: Mapping[str, str], query: str, selection: Selection) -> dict[str, str]:
    """Return the parameters that a link to this choice has, without defaults."""
    chosen = {
        "q": query, "language": selection.language, "topic": selection.topic, "kind": selection.kind,
        "status": selection.status if selection.status != "ok" else "",
        "sort": selection.sort if selection.sort != "newest" else "",
        "moment": params.get("moment", "") if params.get("moment") in _KINDS else "",
        "page": str(selection.page) if selection.page > 1 else "",
    }  # fmt: skip
    return {name: value for name, value in chosen.items() if value}


def _page(params: Mapping[str, str]) -> int:
    text = params.get("page", "")
    return min(_LATER_PAGES, max(1, int(text))) if re.fullmatch(r"[0-9]{1,9}", text) else 1


def _seconds(text: str, duration_s: float) -> float:
    """Read a moment as `83`, `83.5` or `1:23`; 0 for anything else."""
    try:
        return min(parse_time(text), max(0.0, duration_s))
    except ConfigurationError:
        return 0.0
