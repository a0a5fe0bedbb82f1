"""The page of one video, and the parts that it loads later."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from flows.web.bounded_calls import BoundedCalls
from flows.web.catalogue import cards_of
from flows.web.copies import Copies
from flows.web.editing import Editor
from flows.web.media import Original, find_original, obstacle, serve_original
from flows.web.rendering import render
from flows.web.search import SearchService
from flows.web.search_parameters import MAX_QUERY_LENGTH, page_of, params_of, seconds_of
from flows.web.timeline import make_timeline
from flows.web.wording import words_of
from pipeline.export import NoFile, webvtt, webvtt_of_lines
from pipeline.lake import (
    ALL_PARTS,
    Part,
    SubtitleSource,
    VideoRecord,
    fetch,
    read_records,
    read_subtitle_sources,
    read_subtitles,
    read_utterances,
)
from pipeline.locations import local_path
from pipeline.view import LakeReader, video_facts
from schemas.records import Subtitle, Utterance

FIRST_LINES = 200
MORE_LINES = 500
MENTIONS = 12
"""Times of each name on the page."""
NAMES = 60
"""Names of each kind on the page, the most frequent."""
SCENES = 24
"""Scenes on the page, and in each later part."""
_PAGE_PARTS: frozenset[Part] = ALL_PARTS - {"words", "subtitles"}
_MAX_SUBTITLES = 100_000
_PAGE_WAITS_S = 3.0
_PLAYER_WAITS_S = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class VideoPages:
    """The pages of single videos.

    Attributes:
        reader: The lake.
        service: Search in the lake.
        copies: Near-duplicates of videos.
        media_roots: Folders and URI prefixes of originals; empty: every location in the lake.
        editor: Takes corrections; None on a server that only reads.
        calls: Calls to storage, with timeouts.
    """

    reader: LakeReader
    service: SearchService
    copies: Copies
    media_roots: tuple[str, ...] = ()
    editor: Editor | None = None
    calls: BoundedCalls[Original | NoFile] = field(default_factory=BoundedCalls)

    async def video(self, request: Request) -> Response:
        """Show one video."""
        return await to_thread.run_sync(self._video, request.path_params["video_id"], params_of(request))

    async def transcript(self, request: Request) -> Response:
        """Show a later part of a long transcript."""
        return await to_thread.run_sync(self._transcript, request.path_params["video_id"], params_of(request))

    async def scenes(self, request: Request) -> Response:
        """Show a later part of the scenes."""
        return await to_thread.run_sync(self._scenes, request.path_params["video_id"], params_of(request))

    async def duplicates(self, request: Request) -> Response:
        """Show near-duplicates of the video."""
        return await to_thread.run_sync(self._duplicates, request.path_params["video_id"])

    async def captions(self, request: Request) -> Response:
        """Send the subtitles as WebVTT, for the player."""
        params, video_id = params_of(request), request.path_params["video_id"]
        if source := params.get("source", ""):
            return await to_thread.run_sync(self._subtitles, video_id, source)
        translation = params.get("translation") == "1"
        return await to_thread.run_sync(partial(self._captions, video_id, translation=translation))

    async def media(self, request: Request) -> Response:
        """Send the original, or the requested range of it."""
        video_id = request.path_params["video_id"]
        found = await to_thread.run_sync(partial(self.reader.ask, partial(_locations, video_id=video_id)))
        if found is None:
            return Response(status_code=404)
        original = await to_thread.run_sync(self._original, video_id, _PLAYER_WAITS_S, *found)
        if isinstance(original, NoFile):
            return Response(original.reason, 404, media_type="text/plain")
        headers = request.headers
        return serve_original(original, headers.get("range"), headers.get("if-range"), head=request.method == "HEAD")

    def _video(self, video_id: str, params: Mapping[str, str]) -> Response:
        video = self._read(video_id, _PAGE_PARTS)
        if video is None:
            message = "The lake has no video with this id. The file may have changed since, which gives it another id."
            return render("message.html", status=404, title="No such video", message=message)
        query = params.get("q", "").strip()[:MAX_QUERY_LENGTH]
        speaker = _speaker(params, video)
        hits = self.service.in_video(video_id, query, speaker) if query and video.status == "ok" else []
        original = self._original(video_id, _PAGE_WAITS_S, video.uris, video.row["size_bytes"], video.missing_since)
        sources = self.reader.ask(partial(read_subtitle_sources, video_id=video_id))
        source = next((each for each in sources if each.source == params.get("subtitles")), None)
        lines: Sequence[Utterance | Subtitle] = video.utterances_of(speaker)
        if source:
            question = partial(read_subtitles, video_id=video_id, source=source.source, count=FIRST_LINES)
            lines = self.reader.ask(question)
        line_count = source.lines if source else len(lines)
        return render(
            "video.html",
            video=video,
            facts=video_facts(video),
            start_s=_start_s(params, video),
            query=query,
            words=words_of(query),
            speaker=speaker,
            lines=lines,
            line_count=line_count,
            rest=_part_of_lines(video_id, 2, query, speaker, source) if line_count > FIRST_LINES else "",
            sources=sources,
            source=source,
            hits=hits,
            timeline=make_timeline(video, hits),
            missing=original.reason if isinstance(original, NoFile) else "",
            obstacle=obstacle(video),
            editor=self.editor if video.status == "ok" else None,
            corrections=self.editor.history(video_id) if self.editor and video.status == "ok" else None,
            first_lines=FIRST_LINES,
            first_scenes=SCENES,
            max_mentions=MENTIONS,
            max_names=NAMES,
        )

    def _read(self, video_id: str, parts: Collection[Part]) -> VideoRecord | None:
        found = self.reader.ask(partial(read_records, video_ids=[video_id], parts=parts))
        return found[0] if found else None

    def _original(
        self, video_id: str, timeout_s: float, uris: Sequence[str], size_bytes: int, missing_since: datetime | None
    ) -> Original | NoFile:
        question = partial(find_original, uris, size_bytes, self.media_roots, missing_since)
        if all(local_path(uri) is not None for uri in uris):
            return question()
        try:
            return self.calls.call((video_id, *uris), question, timeout_s)
        except TimeoutError:
            return NoFile(f"{uris[0]} did not answer within {timeout_s:g} s. Reload the page to try again.")

    def _part(self, video_id: str, part: str, **context: Any) -> Response:  # noqa: ANN401 - what templates take
        card = self.reader.ask(partial(cards_of, video_ids=[video_id])).get(video_id)
        if card is None:
            return Response(status_code=404)
        context |= {"at": f"/v/{video_id}", "part": part, "query": "", "editor": self.editor}
        return render("part.html", title=card.headline or card.name, video_id=video_id, **context)

    def _transcript(self, video_id: str, params: Mapping[str, str]) -> Response:
        query, speaker = params.get("q", "")[:MAX_QUERY_LENGTH], params.get("speaker", "")
        sources = self.reader.ask(partial(read_subtitle_sources, video_id=video_id))
        source = next((each for each in sources if each.source == params.get("subtitles")), None)
        number = max(2, page_of(params))
        start = FIRST_LINES + (number - 2) * MORE_LINES
        count = MORE_LINES + 1
        lines: Sequence[Utterance | Subtitle] = self.reader.ask(
            partial(read_subtitles, video_id=video_id, source=source.source, start=start, count=count)
            if source
            else partial(read_utterances, video_id=video_id, speaker=speaker, start=start, count=count)
        )
        more = _part_of_lines(video_id, number + 1, query, speaker, source) if len(lines) > MORE_LINES else ""
        words = words_of(query)
        return self._part(video_id, "_part_lines.html", lines=lines[:MORE_LINES], more=more, words=words)

    def _scenes(self, video_id: str, params: Mapping[str, str]) -> Response:
        video = self._read(video_id, {"keyframes", "scenes"})
        if video is None:
            return Response(status_code=404)
        page = page_of(params)
        shown = video.scenes[(page - 1) * SCENES : page * SCENES]
        left = max(0, len(video.scenes) - page * SCENES)
        return self._part(video_id, "_scenes.html", scenes=shown, left=left, next=page + 1)

    def _duplicates(self, video_id: str) -> Response:
        if self.reader.ask(partial(_locations, video_id=video_id)) is None:
            return Response(status_code=404)
        return self._part(video_id, "_copies.html", copies=self.copies.of(video_id), page=True)

    def _subtitles(self, video_id: str, source: str) -> Response:
        question = partial(read_subtitles, video_id=video_id, source=source, count=_MAX_SUBTITLES)
        lines = self.reader.ask(question)
        if not lines:
            return Response(status_code=404)
        headers = {"cache-control": "private, max-age=600"}
        return Response(webvtt_of_lines(lines), media_type="text/vtt", headers=headers)

    def _captions(self, video_id: str, *, translation: bool) -> Response:
        video = self._read(video_id, {"utterances", "words"})
        if video is None or not video.utterances:
            return Response(status_code=404)
        # Making subtitles from hours of speech takes seconds.
        headers = {"cache-control": "private, max-age=600"}
        return Response(webvtt(video, translation=translation), media_type="text/vtt", headers=headers)


def _part_of_lines(video_id: str, page: int, query: str, speaker: str, source: SubtitleSource | None) -> str:
    subtitles = source.source if source else ""
    params = {"page": str(page), "q": query, "speaker": speaker, "subtitles": subtitles}
    return f"/v/{quote(video_id)}/transcript?" + urlencode({name: value for name, value in params.items() if value})


_Location = tuple[list[str], int, datetime | None]


def _locations(connection: Any, video_id: str) -> _Location | None:  # noqa: ANN401 - a DuckDB connection
    query = "SELECT uris, size_bytes, missing_since FROM videos WHERE video_id = $video AND status = 'ok'"
    found = fetch(connection, query, video=video_id)
    return (found[0]["uris"], found[0]["size_bytes"], found[0]["missing_since"]) if found else None


def _speaker(params: Mapping[str, str], video: VideoRecord) -> str:
    speaker = params.get("speaker", "")
    return speaker if speaker in video.speakers else ""


def _start_s(params: Mapping[str, str], video: VideoRecord) -> float:
    return min(seconds_of(params.get("t", "")) or 0.0, max(0.0, video.duration_s))
