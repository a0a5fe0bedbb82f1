"""Runs moto's S3 server with connections that stay open, which takes half of its time, and of its clients' time.

python -m tests.s3.moto_server HOST PORT
"""

import sys
import threading
from contextlib import nullcontext
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any

from moto import backends
from moto.core import serialize
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

_CHANGES = threading.Lock()
"""S3 decides conditional writes one after another. moto looks whether an object exists, and later writes it."""


class KeepAliveHandler(MotoRequestHandler):
    """Reads each request to its end before it answers, so that the next one can follow it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer in one packet

    def run_wsgi(self) -> None:
        """Answer a request. Werkzeug's own method closes the connection, and waits 10 ms for more of the request."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
            self.wfile.flush()
        environ = self.make_environ()
        body = environ["wsgi.input"]
        chunked = environ.get("wsgi.input_terminated")
        environ["wsgi.input"] = BytesIO(body.read() if chunked else body.read(int(environ.get("CONTENT_LENGTH") or 0)))
        begun: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
            begun[:] = status, headers

        with nullcontext() if self.command in {"GET", "HEAD"} else _CHANGES:
            answer = self.server.app(environ, start_response)
            content = b"".join(answer)
        status, headers = begun
        self.send_response_only(int(status.split()[0]))
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in headers}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()


if __name__ == "__main__":
    # It looks through the folders of the package at each request.
    backends.list_of_moto_modules = lru_cache(lambda listed=backends.list_of_moto_modules: frozenset(listed()))
    # A listing has the same times again and again.
    serialize.parse_to_aware_datetime = lru_cache(1 << 14)(serialize.parse_to_aware_datetime)
    host, port = sys.argv[1:]
    app = DomainDispatcherApplication(create_backend_app)
    make_server(host, int(port), app, threaded=True, request_handler=KeepAliveHandler).serve_forever()
