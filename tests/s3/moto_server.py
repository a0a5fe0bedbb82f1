"""Runs moto's S3 with connections that stay open, which takes half of its time, and of its clients' time.

It is called without Flask, which only finds out which of moto's services is meant, in half of the rest.

python -m tests.s3.moto_server HOST PORT
"""

import sys
import threading
from collections.abc import Iterable
from contextlib import nullcontext
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any

from moto.core import serialize
from moto.core.request import Request
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.s3.responses import S3Response
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

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


class ServedRequest(Request):
    """A request that came to a server."""

    from_wsgi_server = True


def s3(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request as moto's server does: `/bucket` or `/bucket/key`, by anybody."""
    request = ServedRequest(environ)
    of_a_key = request.path.lstrip("/").partition("/")[2]
    dispatch = S3Response.key_dispatch if of_a_key else S3Response.ambiguous_dispatch
    answer = dispatch(request, request.raw_url, dict(request.headers))
    status, headers, content = answer if len(answer) == 3 else (HTTPStatus.OK, {}, answer)
    response = Response(content, status, headers)
    if request.method == "HEAD" and "content-length" in headers:
        response.headers["Content-Length"] = headers["content-length"]
    return response(environ, start_response)


if __name__ == "__main__":
    # A listing has the same times again and again.
    serialize.parse_to_aware_datetime = lru_cache(1 << 14)(serialize.parse_to_aware_datetime)
    host, port = sys.argv[1:]
    make_server(host, int(port), s3, threaded=True, request_handler=KeepAliveHandler).serve_forever()
