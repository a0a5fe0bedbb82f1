"""A real web server for tests: files with ETags, times and ranges, redirects, and a log of all requests."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass
class Page:
    """What the server answers at a path."""

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    together: threading.Barrier | None = None
    """Requests wait here for each other."""


class WebServer:
    """Serves `pages` until the block ends.

    Args:
        host: Address to listen at.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, str]] = []
        """Method and path of each request."""
        self._server = ThreadingHTTPServer((host, 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.requests.append((self.command, self.path))
            page = server.pages.get(self.path, Page(status=404))
            if page.together is not None:
                page.together.wait()
            body, status, headers = page.body, page.status, dict(page.headers)
            wanted = self.headers.get("Range", "")
            if wanted.startswith("bytes=") and status == 200:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                body, status = page.body[int(first) : int(last) + 1], 206
                headers["Content-Range"] = f"bytes {first}-{int(first) + len(body) - 1}/{len(page.body)}"
            self.send_response(status)
            for name, value in {"Content-Type": "video/mp4", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name that the base class calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
