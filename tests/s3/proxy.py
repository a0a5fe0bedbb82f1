"""A proxy in front of an S3 server that makes requests fail, as networks and busy stores do, and counts them."""

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_CONDITIONS = frozenset({"if-match", "if-none-match"})
_ERROR = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{}</Code><Message>{}</Message></Error>"


class Fault(Enum):
    """What happens to a request."""

    SLOW_DOWN = "refused with 503 SlowDown"
    INTERNAL_ERROR = "refused with 500 InternalError"
    IGNORED_CONDITION = "done without its condition, as by stores that do not know conditional puts"
    LOST_REQUEST = "the connection drops before the server sees the request"
    LOST_RESPONSE = "the server does it, and the connection drops before the response"
    CUT_RESPONSE = "the connection drops in the middle of the response's body"


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a client."""

    verb: str
    """`GET`, `PUT`, …; `LIST` for the GET of a listing."""
    key: str
    """Path of the object in its bucket; for a listing, its prefix."""
    conditional: bool
    """Whether it has a condition (`If-Match` or `If-None-Match`)."""
    number: int
    """How many requests came before it."""


Plan = Callable[[Request], Fault | None]
"""Called with each request. It may sleep, to delay the request."""


class FaultProxy:
    """Forwards HTTP requests to a server while the block runs, in threads of this process.

    Args:
        host: Host of the server.
        port: Port of the server.

    Attributes:
        endpoint: The URL for clients.
        plan: What happens to each request; None to forward all.
        requests: Number of requests by verb, with `LIST` for listings; the failed ones included.
        faults: Number of faults by kind.
    """

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.plan: Plan | None = None
        self.requests: Counter[str] = Counter()
        self.faults: Counter[Fault] = Counter()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="proxy", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def failing(self, plan: Plan) -> Iterator[None]:
        """Use a plan within the block."""
        before, self.plan = self.plan, plan
        try:
            yield
        finally:
            self.plan = before

    def fault_of(self, verb: str, path: str, *, conditional: bool) -> Fault | None:
        """Count a request and return what happens to it."""
        parts = urlsplit(path)
        query = parse_qs(parts.query, keep_blank_values=True)
        key = parts.path.lstrip("/").partition("/")[2]
        if verb == "GET" and not key:
            verb, key = "LIST", query.get("prefix", [""])[0]
        with self._lock:
            request = Request(verb, key, conditional, self.requests.total())
            self.requests[verb] += 1
        fault = self.plan(request) if self.plan else None
        if fault:
            with self._lock:
                self.faults[fault] += 1
        return fault


def first(count: int, fault: Fault, chosen: Callable[[Request], bool] = lambda _: True) -> Plan:
    """Return a plan that fails the first `count` of the chosen requests."""
    left = count
    lock = threading.Lock()

    def plan(request: Request) -> Fault | None:
        nonlocal left
        with lock:
            if left and chosen(request):
                left -= 1
                return fault
        return None

    return plan


def slowly(seconds: float) -> Plan:
    """Return a plan that delays each request."""

    def plan(_: Request) -> None:
        time.sleep(seconds)

    return plan


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up, as killed ones do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        # Connected with the first request.
        self._server = http.client.HTTPConnection(*self.server.proxy.target, timeout=60)

    def finish(self) -> None:
        self._server.close()
        with suppress(ConnectionError):
            super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _forward(self) -> None:
        body = self._body()
        conditional = any(name in self.headers for name in _CONDITIONS)
        fault = self.server.proxy.fault_of(self.command, self.path, conditional=conditional)
        if fault is Fault.SLOW_DOWN:
            self._refuse(503, "SlowDown", "Please reduce your request rate.")
        elif fault is Fault.INTERNAL_ERROR:
            self._refuse(500, "InternalError", "We encountered an internal error. Please try again.")
        elif fault is Fault.LOST_REQUEST:
            self._drop()
        else:
            status, headers, content = self._ask(body, unconditional=fault is Fault.IGNORED_CONDITION)
            if fault is Fault.LOST_RESPONSE:
                self._drop()
            else:
                self._answer(status, headers, content, cut=fault is Fault.CUT_RESPONSE)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815 - the names that http.server calls

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(pieces)

    def _ask(self, body: bytes, *, unconditional: bool) -> tuple[int, list[tuple[str, str]], bytes]:
        server = self._server
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        left_out = _HOP_BY_HOP | {"expect"} | (_CONDITIONS if unconditional else frozenset())
        for name, value in self.headers.items():
            if name.lower() not in left_out:
                server.putheader(name, value)
        server.putheader("Content-Length", str(len(body)))
        server.endheaders(body)
        answer = server.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool) -> None:
        self.send_response_only(status)
        length = str(len(content))
        for name, value in headers:
            if name.lower() == "content-length":
                length = value  # the response to HEAD has no content, and the length of the object
            elif name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self._drop()

    def _refuse(self, status: int, code: str, message: str) -> None:
        content = b"" if self.command == "HEAD" else _ERROR.format(code, message).encode()
        self._answer(status, [("Content-Type", "application/xml")], content, cut=False)

    def _drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
