"""The web application: routes, middleware and error pages."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from flows.web.copies import Copies
from flows.web.editing import Editor
from flows.web.guard import Access, Guard
from flows.web.pages import Pages
from flows.web.rendering import render
from flows.web.reports import Reports
from flows.web.search import SearchService
from flows.web.video_pages import VideoPages
from pipeline.corrections import Deriver
from pipeline.lake import Lake
from pipeline.search import Searcher
from pipeline.view import LakeReader, Thumbnails
from schemas.errors import LakeError

logger = logging.getLogger(__name__)


def make_app(
    lake: Lake,
    searcher: Searcher,
    *,
    access: Access | None = None,
    media_roots: Sequence[str] = (),
    deriver: Deriver | None = None,
    author: str = "unknown",
) -> Starlette:
    """Make the application that shows a lake. It only reads, unless `access` allows corrections.

    Args:
        lake: The lake.
        searcher: Its search.
        access: Who may send requests; None allows everybody on this machine.
        media_roots: Folders or URI prefixes that originals may be served from; empty allows every location in the lake.
        deriver: Applies corrections; None makes one if they are allowed.
        author: Who makes corrections, unless the page says otherwise.

    Raises:
        LakeError: The lake cannot be read.
    """
    reader = LakeReader(lake)
    service = SearchService(reader, searcher)
    pages = Pages(reader, Thumbnails(reader), service)
    reports = Reports(reader)
    access = access or Access()
    editor = Editor(lake, reader, searcher, author, deriver or Deriver(lake)) if access.edit else None
    videos = VideoPages(reader, service, Copies(reader, searcher), tuple(media_roots), editor)
    posts = [
        Route("/v/{video_id}/corrections", editor.correct, methods=["POST"]),
        Route("/v/{video_id}/corrections/undo", editor.undo, methods=["POST"]),
    ] if editor else []  # fmt: skip

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        with reader:
            yield
        await to_thread.run_sync(searcher.close)

    app = Starlette(
        routes=[
            Route("/", pages.home, name="home"),
            Route("/results", pages.results),
            Route("/v/{video_id}", videos.video),
            Route("/v/{video_id}/transcript", videos.transcript),
            Route("/v/{video_id}/scenes", videos.scenes),
            Route("/v/{video_id}/duplicates", videos.duplicates),
            Route("/v/{video_id}/captions.vtt", videos.captions),
            Route("/t/{frame_id}.jpg", pages.thumbnail),
            Route("/media/{video_id}", videos.media),
            Route("/errors", pages.errors),
            Route("/reports", reports.listed),
            Route("/reports/{run_id}", reports.report),
            Route("/health", pages.health),
            *posts,
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        middleware=[
            Middleware(Guard, access=access),
            Middleware(_GzipPages, minimum_size=1024, compresslevel=5),
        ],
        exception_handlers={HTTPException: _not_found, LakeError: _unreadable},
        lifespan=lifespan,
    )
    app.state.reader = reader
    return app


class _GzipPages(GZipMiddleware):
    """Compresses pages, but not media and thumbnails, which are compressed already or sent in ranges."""

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        """Pass a request on, with or without compression."""
        if scope["type"] == "http" and scope["path"].startswith(("/media/", "/t/")):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _not_found(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 404
    return render(
        "message.html", status=status, title="Page not found", message="Check the address, or go to the list of videos."
    )


async def _unreadable(request: Request, error: Exception) -> Response:
    del request
    logger.warning("%s", error)
    return render("message.html", status=503, title="The lake cannot be read", message=str(error))
