"""Access control: which requests are answered, and the security headers of every response."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

_CORRECTIONS = re.compile(r"/v/[^/]+/corrections(/undo)?")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


@dataclass(frozen=True, slots=True)
class Access:
    """Who may send requests."""

    host: str = "127.0.0.1"
    """Address the server listens on."""
    port: int = 0
    """Port; part of the cookie's name, because browsers share cookies between ports."""
    token: str = ""
    """A secret that every browser must send once; empty for none, which is only allowed on a loopback address."""
    edit: bool = False
    """Whether pages of this server may post corrections."""


class Guard:
    """ASGI middleware: allows only reading, known hosts and the token, and adds security headers to every response.

    With `Access.edit`, pages of this server may also post corrections. Those of other sites may not.

    On a loopback address, the `Host` header of a request must name this machine. Otherwise any web page could point its
    own domain here (DNS rebinding) and read the lake through its visitor's browser.

    Args:
        app: The application.
        access: Who may send requests.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._cookie = f"videolake-{access.port}"
        self._secret = hashlib.sha256(b"videolake browse " + access.token.encode()).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A report has its own policy, which allows inline styles and no scripts.
                policy = headers.get("content-security-policy")
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                if policy:
                    headers["content-security-policy"] = policy
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        posts = self._access.edit and scope["method"] == "POST" and _CORRECTIONS.fullmatch(scope["path"]) is not None
        if scope["method"] not in {"GET", "HEAD"} and not posts:
            return PlainTextResponse("This server is read-only.", 405, {"allow": "GET, HEAD"})
        names = {*_LOCAL_NAMES, self._access.host}
        if is_loopback(self._access.host) and _host_name(headers.get("host", "")) not in names:
            message = "This server only accepts requests for localhost and 127.0.0.1."
            return PlainTextResponse(message, 421)
        if posts and not _same_origin(headers):
            return PlainTextResponse("Only the pages of this server may correct a video.", 403)
        return self._check_token(scope, headers) if self._access.token else None

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == "token"]
        if given and _same(given[0], self._access.token):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            return self._store_token(quote(scope["path"]) + (f"?{rest}" if rest else ""))
        if _same(_cookie(headers, self._cookie), self._secret):
            return None
        message = "Open the address that `videolake browse` printed, with its token."
        return PlainTextResponse(message, 401, {"cache-control": "no-store"})

    def _store_token(self, path: str) -> Response:
        """Store the token in a cookie and go to the URL without it.

        This is a page and not a redirect, because a browser that came from another site sends no strict cookies then.
        """
        from markupsafe import escape

        target = escape("/" + path.lstrip("/\\"))
        page = f'<!doctype html><meta http-equiv="refresh" content="0;url={target}"><a href="{target}">Continue</a>'
        answer = HTMLResponse(page, headers={"cache-control": "no-store"})
        answer.set_cookie(self._cookie, self._secret, httponly=True, samesite="strict", path="/")
        return answer


def is_loopback(host: str) -> bool:
    """Return whether an address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _same_origin(headers: Headers) -> bool:
    """Return whether a browser says that a page of this server sent the request. Browsers send `Origin` with a POST."""
    origin = urlsplit(headers.get("origin", ""))
    own = origin.scheme in {"http", "https"} and bool(origin.netloc) and origin.netloc == headers.get("host", "")
    return own and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _host_name(host: str) -> str:
    name = host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    return name.lower()


def _cookie(headers: Headers, name: str) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
