"""Corrections from the page of a video: POST requests by this site's own pages, behind `browse --edit`."""

import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pipeline.corrections import (
    PARTS,
    Deriver,
    Edit,
    History,
    Recorded,
    SameVoice,
    correct_record,
    history_of,
    same_voice,
    undo_of,
)
from pipeline.lake import Lake, VideoRecord, file_name, read_records
from pipeline.search import Searcher
from pipeline.view import LakeReader
from schemas.corrections import CORRECTED_FIELDS, Span
from schemas.errors import ConfigurationError, LakeError

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True, slots=True, eq=False)
class Editor:
    """Takes corrections, and applies them with models that stay loaded.

    Attributes:
        lake: The lake.
        reader: What the pages read.
        searcher: What finds the corrected words.
        author: Who makes corrections, unless a page says otherwise.
        deriver: Applies corrections.
        csrf_token: Secret that the pages of this server have, and those of other sites do not.
    """

    lake: Lake
    reader: LakeReader
    searcher: Searcher
    author: str
    deriver: Deriver
    csrf_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    async def correct(self, request: Request) -> Response:
        """Correct one value."""
        return await self._answer(request, self._correct)

    async def undo(self, request: Request) -> Response:
        """Take one correction back."""
        return await self._answer(request, self._undo)

    def history(self, video_id: str) -> History:
        """Return the corrections of a video."""
        return history_of(self._record(video_id), self.lake.corrections([video_id]).get(video_id, []))

    async def _answer(self, request: Request, work: Callable[[str, Mapping[str, Any]], Response]) -> Response:
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.csrf_token.encode()):
            return _refused("This page is out of date, because the server was started again. Reload it.", 403)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return _refused(f"A correction has at most {MAX_BODY_BYTES // 1024} kB.", 413)
        try:
            asked = json.loads(body)
            if not isinstance(asked, dict):
                raise TypeError("not an object")  # noqa: TRY301
            return await to_thread.run_sync(work, request.path_params["video_id"], asked)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            return _refused(f"That is no correction: {error}.", 400)
        except ConfigurationError as error:
            return _refused(str(error), 422)
        except LakeError as error:
            logger.warning("%s", error)
            return _refused(str(error), 503)

    def _correct(self, video_id: str, asked: Mapping[str, Any]) -> Response:
        edit = _edit_of(asked)
        record = self._record(video_id)
        recorded = correct_record(self.lake, record, [edit], author=self._author(asked), deriver=self.deriver)
        named = edit.field == "speaker" and edit.place is None and bool(recorded.corrections)
        return self._told(recorded, video_id if named else "", edit.value or "")

    def _undo(self, video_id: str, asked: Mapping[str, Any]) -> Response:
        correction, author = _text(asked["correction"]), self._author(asked)
        video_id = self._record(video_id).video_id
        return self._told(undo_of(self.lake, video_id, correction, author=author, deriver=self.deriver))

    def _record(self, video_id: str) -> VideoRecord:
        """Return a video as the pages show it, without opening the lake again."""
        found = self.reader.ask(partial(read_records, video_ids=[video_id], parts=PARTS))
        if not found or found[0].status != "ok":
            raise ConfigurationError("The lake has no such video any more. Reload the page.")
        return found[0]

    def _author(self, asked: Mapping[str, Any]) -> str:
        return _text(asked.get("author") or self.author)

    def _same_voice(self, video_id: str, name: str) -> list[SameVoice]:
        """Return who else may have a name that was given. The correction is saved, whatever becomes of this."""
        try:
            return [each for each in same_voice(self.lake, video_id, name) if each.speaker != name]
        except LakeError as error:
            logger.warning("%s", error)
            return []

    def _told(self, recorded: Recorded, named_in: str = "", name: str = "") -> Response:
        """Return what became of a correction, once pages and search show it.

        Args:
            recorded: The correction.
            named_in: The video of a speaker who was named.
            name: The name.
        """
        self.reader.refresh()
        self.searcher.refresh()
        voices = self._same_voice(named_in, name) if named_in else []
        if not recorded.corrections:
            message = "That is what the lake says already."
        elif recorded.pending:
            message = f"Saved, but not applied yet: {recorded.pending}"
        else:
            message = "Saved."
        similar = [
            {
                "video_id": each.video_id,
                "name": file_name(each.uri),
                "speaker": each.speaker,
                "similarity": each.similarity,
            }
            for each in voices
        ]
        return JSONResponse({"message": message, "pending": bool(recorded.pending), "voices": similar})


def _edit_of(asked: Mapping[str, Any]) -> Edit:
    name = asked["field"]
    if name not in CORRECTED_FIELDS:
        raise ValueError(f"there is no field {name!r}")
    place = None
    if asked.get("start_s") is not None:
        place = Span(float(asked["start_s"]), float(asked["end_s"]))
    value = None if asked.get("value") is None else _text(asked["value"])
    return Edit(name, value, place, None if asked.get("name") is None else _text(asked["name"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _refused(message: str, status: int) -> Response:
    return JSONResponse({"message": message}, status)
