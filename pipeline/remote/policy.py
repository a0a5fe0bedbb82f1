"""Which locations may be opened on this machine. Its operator decides, in the environment, and no run can change it.

- `VIDEOLAKE_ALLOWED_SCHEMES`: schemes of URIs, instead of `DEFAULT_SCHEMES`.
- `VIDEOLAKE_ALLOWED_HOSTS`: host names, addresses and networks (`10.1.0.0/16`) that web addresses may lead to although
  they are internal.

Both are lists, separated by commas. docs/archives.md explains them.
"""

import ipaddress
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from schemas.errors import ConfigurationError

DEFAULT_SCHEMES = ("file", "http", "https", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")
_HTTP = frozenset({"http", "https"})
_SCHEMES_VARIABLE = "VIDEOLAKE_ALLOWED_SCHEMES"
_HOSTS_VARIABLE = "VIDEOLAKE_ALLOWED_HOSTS"
_SERVERS = ("endpoint_override", "blob_storage_authority", "dfs_storage_authority")
"""Parameters by which the URIs of Arrow's clients name a server."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = "the address is not on the public internet"

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RefusedError(PermissionError):
    """A location that may not be opened on this machine. The message says why, and which setting allows it."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Internal hosts that web addresses may lead to."""

    names: frozenset[str]
    networks: tuple[_Network, ...]

    def include(self, host: str) -> bool:
        """Return whether a name or address is one of them."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host.lower().rstrip(".") in self.names
        return any(address in network for network in self.networks)

    def check(self, address: str) -> None:
        """Check an address just before it is connected to.

        Raises:
            RefusedError: It is internal, and not allowed.
        """
        found = tuple(_addresses(ipaddress.ip_address(address.partition("%")[0])))
        if not all(map(_is_public, found)) and not any(each in network for each in found for network in self.networks):
            # Without the address, so that all addresses of a host have one message, which reaches the user.
            raise RefusedError(f"{_NOT_PUBLIC}, so it is not opened. {_HOSTS_VARIABLE} can allow it")


def allowed_schemes(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return the schemes that the operator of this machine allows."""
    stated = environment.get(_SCHEMES_VARIABLE)
    return frozenset(DEFAULT_SCHEMES if stated is None else (each.lower() for each in _listed(stated)))


def allowed_hosts(environment: Mapping[str, str] = os.environ) -> AllowedHosts:
    """Return the internal hosts that the operator of this machine allows.

    Raises:
        ConfigurationError: A network is not valid.
    """
    names, networks = set(), []
    for each in _listed(environment.get(_HOSTS_VARIABLE, "")):
        try:
            networks.append(ipaddress.ip_network(each.strip("[]"), strict=False))
        except ValueError:
            if "/" in each:
                raise ConfigurationError(f"{_HOSTS_VARIABLE}: {each!r} is not a network like 10.1.0.0/16.") from None
            names.add(each.lower().rstrip("."))
    return AllowedHosts(frozenset(names), tuple(networks))


def scheme_of(uri: str) -> str:
    """Return the scheme of a location in lower case; `file` for a path."""
    scheme, separator, _ = uri.partition("://")
    return scheme.lower() if separator else "file"


def is_http(uri: str) -> bool:
    """Return whether a location is on a web server."""
    return scheme_of(uri) in _HTTP


def check_scheme(uri: str, schemes: Collection[str] | None = None) -> None:
    """Check that a location may be opened on this machine.

    Args:
        uri: A path or URI.
        schemes: The schemes that a run allows, which cannot be more than the machine does; None for all of those.

    Raises:
        RefusedError: It may not. A chained URI such as `simplecache::s3://` never may.
    """
    scheme = scheme_of(uri)
    if "::" in scheme:
        raise RefusedError(
            f"{uri} chains file systems ({scheme}), which is not allowed. Give the URI of the file itself."
        )
    if scheme not in allowed_schemes():
        raise RefusedError(
            f"{uri}: {scheme}:// is not allowed on this machine. Its operator sets {_SCHEMES_VARIABLE} "
            f"(now {','.join(sorted(allowed_schemes()))})."
        )
    if schemes is not None and scheme not in schemes:
        raise RefusedError(f"{uri}: {scheme}:// is not among archive.schemes ({', '.join(schemes)}).")


def check_lake(uri: str) -> None:
    """Check that a lake may be at a location.

    Raises:
        RefusedError: It may not: its scheme is not allowed, it is on the web, or the URI names an internal server.
    """
    check_scheme(uri)
    if is_http(uri):
        raise RefusedError(f"{uri}: a lake cannot be on a web server. Give a folder or an object store.")
    hosts = allowed_hosts()
    parameters = parse_qs(urlsplit(uri).query) if "://" in uri else {}
    for endpoint in (each for name in _SERVERS for each in parameters.get(name, ())):
        host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
        if not hosts.include(host):
            raise RefusedError(f"{uri}: {_HOSTS_VARIABLE} does not name the server {host}.")


def check_cluster(address: str | None) -> None:
    """Check that a run that anybody may have started joins no Ray cluster of its own choice, which could run any code.

    Args:
        address: `workers.ray_address`.

    Raises:
        ConfigurationError: It may not.
    """
    if address in {None, "auto", "local", os.environ.get("RAY_ADDRESS")}:
        return
    if not allowed_hosts().include(urlsplit(f"//{address}").hostname or ""):
        raise ConfigurationError(
            f"workers.ray_address: the Ray cluster at {address} may not be joined. The operator of this machine sets "
            f"RAY_ADDRESS, or names its host in {_HOSTS_VARIABLE}."
        )


def refusal(error: BaseException) -> str | None:
    """Return why a location was refused if that is what some error came from; None if it is not."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, RefusedError) or _NOT_PUBLIC in str(error):
            return str(error)
        seen.add(id(error))
        following = error.__cause__ or error.__context__
        if following is None:
            return None
        error = following
    return None


def _listed(text: str) -> list[str]:
    return [each for part in text.split(",") if (each := part.strip())]


def _addresses(address: _Address) -> Iterator[_Address]:
    """Yield an address, or the IPv4 address that an IPv6 address stands for."""
    embedded = None
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    yield embedded or address


def _is_public(address: _Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or (isinstance(address, ipaddress.IPv6Address) and address.is_site_local)
    )
