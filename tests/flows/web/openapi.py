"""The addresses of the pages as OpenAPI describes them, for the fuzzer."""

from typing import Any


def _query(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"} | schema}


def _path(name: str, pattern: str | None = None) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1} | ({"pattern": pattern} if pattern else {})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _get(*parameters: dict[str, Any], of: str = "text/html", statuses: tuple[int, ...] = (200, 404)) -> dict[str, Any]:
    content = {of: {"schema": {"type": "string"}}}
    responses = {str(status): {"description": "answer", "content": content} for status in statuses}
    return {"get": {"parameters": list(parameters), "responses": responses}}


_CHOICE = [
    _query("q"), _query("language"), _query("topic"), _query("kind"), _query("status", enum=["ok", "failed"]),
    _query("sort"), _query("moment"), _query("page", type="integer"), _query("typing"),
    _query("like"), _query("video"), _query("speaker"), _query("from"), _query("to"),
]  # fmt: skip
_RANGE = {"name": "Range", "in": "header", "schema": {"type": "string", "pattern": r"^bytes=\d{0,20}-\d{0,20}$"}}


def description(known: list[str]) -> dict[str, Any]:
    """Return the description.

    Args:
        known: Ids of videos, so that the fuzzer also finds what is there.
    """
    video = _path("video_id")
    real = {**video, "schema": {"enum": known}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Videolake", "version": "1"},
        "paths": {
            "/": _get(*_CHOICE),
            "/results": _get(*_CHOICE),
            "/reports": _get(),
            "/reports/{run_id}": _get(_path("run_id")),
            "/errors": _get(_query("page")),
            "/v/{video_id}": _get(real, _query("q"), _query("t"), _query("speaker")),
            "/v/{video_id}/transcript": _get(real, _query("q"), _query("speaker"), _query("page")),
            "/v/{video_id}/scenes": _get(real, _query("page")),
            "/v/{video_id}/duplicates": _get(real),
            "/v/{video_id}/captions.vtt": _get(real, _query("translation"), of="text/vtt"),
            "/v/{video_id}/anything": _get(video),
            "/t/{frame_id}.jpg": _get(_path("frame_id"), of="image/jpeg"),
            "/media/{video_id}": _get(real, _RANGE, of="video/mp4", statuses=(200, 206, 404, 416)),
        },
    }
