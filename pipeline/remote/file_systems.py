"""The file systems of URIs, each opened by itself: no chains, and web servers only at allowed addresses."""

import atexit
import socket
from typing import IO, TYPE_CHECKING, Any, cast

import fsspec
import fsspec.asyn

from pipeline.remote.policy import allowed_hosts, check_scheme, is_http, scheme_of
from pipeline.remote.requests import RemoteFile, retried

if TYPE_CHECKING:
    from collections.abc import Callable

_EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure",
    "http": "http", "https": "http",
}  # fmt: skip
"""Extras of Videolake that install fsspec's package for a scheme."""
_BLOCK_BYTES = 4 * 1024 * 1024
_CONNECT_TIMEOUT_S = 15.0
_READ_TIMEOUT_S = 60.0
_REQUEST_TIMEOUT_S = 300.0
_END_S = 10.0


@atexit.register
def _end_io_thread() -> None:
    """End fsspec's thread before Python ends.

    It may hold the last reference to something from another library, such as a DuckDB connection. If that is freed
    after Python has begun to end, the process aborts.
    """
    loop, thread = fsspec.asyn.loop[0], fsspec.asyn.iothread[0]
    if loop is not None and thread is not None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_END_S)


def package_for(scheme: str) -> str:
    """Return what to do to reach URIs of a scheme."""
    extra = _EXTRAS.get(scheme)
    return f"pip install 'videolake[{extra}]'" if extra else f"install fsspec's package for {scheme}://"


def file_system(uri: str) -> tuple[Any, str]:
    """Return fsspec's file system for a URI, and the path of the URI on it.

    The whole URI has one scheme. What looks like a chain of file systems further on is part of the path.

    Raises:
        RefusedError: The URI may not be opened on this machine.
        ImportError: The package for this scheme is not installed; the message says how to install it.
    """
    check_scheme(uri)
    scheme = scheme_of(uri)
    uri = scheme + uri[len(scheme) :]
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise ImportError(package_for(scheme)) from error
    options = {"get_client": _guarded_client} if is_http(uri) else kind._get_kwargs_from_urls(uri)
    return kind(**options), str(kind._strip_protocol(uri))


def open_remote(uri: str, *, read_ahead: bool = True) -> IO[bytes]:
    """Open a file for reading. Reads that fail for a reason that may pass are repeated.

    Args:
        uri: URI of a file on another machine.
        read_ahead: Whether to read more than is asked for, because it will be needed next.
    """
    filesystem, path = file_system(uri)
    cache = "readahead" if read_ahead else "none"
    opened = retried(lambda: filesystem.open(path, "rb", block_size=_BLOCK_BYTES, cache_type=cache))
    # A web server that states no size sends a stream, which cannot be asked for a part again.
    return cast("IO[bytes]", opened if getattr(opened, "size", 0) is None else RemoteFile(lambda: opened))


async def _guarded_client(**options: Any) -> Any:  # noqa: ANN401 - passed on to aiohttp
    """Return a client session that connects to allowed addresses only, also after redirects."""
    import aiohttp

    names: dict[str, set[str]] = {}

    class Resolver(aiohttp.ThreadedResolver):
        """Notes the names of each address."""

        async def resolve(self, host: str, *args: Any, **keywords: Any) -> Any:  # noqa: ANN401 - aiohttp's
            found = await super().resolve(host, *args, **keywords)
            for each in found:
                names.setdefault(each["host"], set()).add(host.lower().rstrip("."))
            return found

    def opened(address: tuple[Any, ...]) -> socket.socket:
        # This is the address that is connected to, whatever the URL looks like or its name resolved to before.
        family, kind, protocol, _, where = address
        hosts = allowed_hosts()
        if not hosts.names & names.get(where[0], set()):
            hosts.check(where[0])
        return socket.socket(family, kind, protocol)

    make: Callable[..., Any] = aiohttp.TCPConnector
    options["connector"] = make(resolver=Resolver(), socket_factory=opened)
    options.setdefault(
        "timeout",
        aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_READ_TIMEOUT_S),
    )
    return aiohttp.ClientSession(**options)
