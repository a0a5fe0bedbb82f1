"""The page of one video, and what it asks for once it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from flows.web.asking import LONGEST_QUERY, params_of, seconds_of
from flows.web.film import Film, read_film
from flows.web.findings import Findings
from flows.web.media import NoOriginal, ending_of, find_original, playable, serve_original
from flows.web.reader import LakeReader
from flows.web.rendering import render
from flows.web.timeline import make_timeline
from flows.web.wording import words_of

FIRST_LINES = 200


@dataclass(frozen=True, slots=True, eq=False)
class FilmPages:
    """The pages of single videos.

    Attributes:
        reader: The lake.
        findings: What searches of it find.
        media_roots: Where originals may come from; none: anywhere the lake says.
    """

    reader: LakeReader
    findings: Findings
    media_roots: tuple[str, ...] = ()

    async def video(self, request: Request) -> Response:
        """Show one video."""
        return await to_thread.run_sync(self._video, request.path_params["video_id"], params_of(request))

    async def transcript(self, request: Request) -> Response:
        """Show the lines of a long transcript that its page left out."""
        return await to_thread.run_sync(self._transcript, request.path_params["video_id"], params_of(request))

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

    def _video(self, video_id: str, params: Mapping[str, str]) -> Response:
        film = self.reader.ask(partial(read_film, video_id=video_id))
        if film is None:
            message = "The lake holds no video of this id. It may have been analysed under another one."
            return render("message.html", status=404, title="No such video", message=message)
        query = params.get("q", "").strip()[:LONGEST_QUERY]
        speaker = _speaker(params, film)
        hits = self.findings.in_video(film.video_id, query, speaker) if query and film.status == "ok" else []
        original = find_original(film.uris, film.row["size_bytes"], self.media_roots)
        return render(
            "video.html",
            film=film,
            start_s=_start_s(params, film),
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

    def _transcript(self, video_id: str, params: Mapping[str, str]) -> Response:
        film = self.reader.ask(partial(read_film, video_id=video_id))
        if film is None:
            return Response(status_code=404)
        lines = film.lines_of(_speaker(params, film))[FIRST_LINES:]
        return render("_lines.html", lines=lines, film=film, words=words_of(params.get("q", "")[:LONGEST_QUERY]))


def _places(connection: Any, video_id: str) -> tuple[list[str], int] | None:  # noqa: ANN401 - a DuckDB connection
    query = "SELECT uris, size_bytes FROM videos WHERE video_id = $video AND status = 'ok'"
    row: tuple[list[str], int] | None = connection.execute(query, {"video": video_id}).fetchone()
    return row


def _speaker(params: Mapping[str, str], film: Film) -> str:
    speaker = params.get("speaker", "")
    return speaker if speaker in film.speakers else ""


def _start_s(params: Mapping[str, str], film: Film) -> float:
    return min(seconds_of(params.get("t", "")) or 0.0, max(0.0, film.duration_s))
