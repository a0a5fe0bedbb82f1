"""`videolake browse`: the lake as a web page."""

import logging
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

import click

from flows.commands.correct import user_name
from flows.web import Access, is_loopback, make_app
from pipeline.corrections import Deriver
from pipeline.lake import Lake
from pipeline.search import Searcher, remove_abandoned, remove_own
from schemas.errors import ConfigurationError, VideolakeError

DEFAULT_PORT = 8765
_SHUTDOWN_S = 2


def browse_lake(
    lake: str,
    *,
    host: str,
    port: int | None,
    token: str | None,
    media_roots: Sequence[str],
    open_browser: bool,
    edit: bool,
) -> None:
    """Serve the pages of a lake until the process stops.

    Raises:
        LakeError: There is no lake, or it cannot be read.
        ConfigurationError: The address is in use, or does not belong to this machine.
    """
    import uvicorn

    # uvicorn raises the signal that stopped it again, and its default action would leave no time to clean up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    remove_abandoned()
    opened = Lake(lake)
    listening = listen(host, port)
    access = replace(access_of(host, listening.getsockname()[1], token), edit=edit)
    searcher = Searcher(opened)
    # An instance of its own: it holds the writer lock while it applies corrections.
    deriver = Deriver(Lake(lake)) if edit else None
    author = user_name() if edit else ""
    app = make_app(opened, searcher, access=access, media_roots=media_roots, deriver=deriver, author=author)
    address = address_of(access)
    click.echo(f"{opened.uri} is at {address}")
    if not is_loopback(host):
        click.echo(
            "Anyone with this address and token can see the lake and its videos. The connection is not encrypted."
        )
    if edit:
        click.echo(
            "Its videos can be corrected on their pages." + ("" if is_loopback(host) else " By all of these, too.")
        )
    click.echo("Press Ctrl-C to stop.", err=True)
    warming = threading.Thread(target=_warm, args=(searcher, deriver), name="warm-up", daemon=True)
    warming.start()
    if open_browser:
        webbrowser.open(address)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=_SHUTDOWN_S
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    finally:
        if warming.is_alive():
            # The thread may be inside a native library, where ending the interpreter would abort the process.
            remove_own()
            sys.stdout.flush()
            os._exit(0)


def _warm(searcher: Searcher, deriver: Deriver | None) -> None:
    """Load what the first search and the first correction need, before somebody waits for it."""
    try:
        searcher.search("warm up", limit=1)
    except VideolakeError as error:
        logging.getLogger(__name__).warning("Search is not ready: %s", error)
    try:
        if deriver:
            deriver.warm_up()
    except VideolakeError as error:
        logging.getLogger(__name__).warning("Corrections will be saved, but not applied: %s", error)


def listen(host: str, port: int | None) -> socket.socket:
    """Listen on a port; without one, on the default port or else any free one.

    Raises:
        ConfigurationError: The address is not available.
    """
    tries = [port] if port is not None else [DEFAULT_PORT, 0]
    for number in tries:
        try:
            family, *_, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
            # TCP is explicit, because asyncio sends small responses at once (TCP_NODELAY) only on such sockets.
            listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()  # from now on browsers wait for the pages
        except OSError as error:
            if number == tries[-1]:
                message = f"Cannot listen on {host} port {number}: {error.strerror or error}. Name another --port."
                raise ConfigurationError(message) from error
        else:
            return listening
    raise AssertionError("unreachable")


def access_of(host: str, port: int, token: str | None) -> Access:
    """Return who has access: everybody on a loopback address, elsewhere holders of the token, made if none is given."""
    if not token and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    return Access(host, port, token or "")


def address_of(access: Access) -> str:
    """Return the address to open in a browser."""
    name = f"[{access.host}]" if ":" in access.host else access.host
    if access.host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        name = socket.gethostname()
    query = f"?token={quote(access.token)}" if access.token else ""
    return f"http://{name}:{access.port}/{query}"
