"""List files on object stores and web servers, with the state that they have there."""

import glob
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from typing import Any

from pipeline.remote import file_system, is_http, refusal, retried
from pipeline.run.coverage import Coverage
from schemas.errors import ArchiveError
from schemas.records import ArchiveItem

_NANOSECONDS = 1_000_000_000
_REQUESTS = 16
"""Requests for the states of single files in flight."""
_AHEAD = 256
_MAX_LINKED_FOLDERS = 32
_GONE = (404, 410)
_MTIMES = ("mtime", "LastModified", "last_modified", "Last-Modified", "updated", "modified")
_ETAGS = ("md5Hash", "ETag", "etag")
"""Names of details in fsspec's stores. GCS changes an object's ETag with its metadata, but not its MD5."""

Selected = Callable[[str], bool]
"""Whether a file of a folder is selected, by its name."""


def list_remote(uri: str, selected: Selected, coverage: Coverage) -> Iterator[ArchiveItem]:
    """List a folder, a file or a glob. A file is listed whatever its name.

    Args:
        uri: The folder, file or glob.
        selected: Which files of a folder to list.
        coverage: Notes what is listed.

    Raises:
        ArchiveError: It does not exist, may not be read, or cannot be listed.
    """
    with _errors(uri):
        filesystem, base = file_system(uri)
        filesystem.invalidate_cache()
        if "*" in base if is_http(uri) else glob.has_magic(base):
            items = _details_of(filesystem, filesystem.glob(base, detail=True), selected)
            yield from coverage.folder("", items, glob=str(filesystem.unstrip_protocol(base)))
            return
        details = _details(filesystem, base)
        if details is None:
            raise ArchiveError(f"{uri} does not exist. Check the URI.")
        if is_http(uri) and (base.endswith("/") or details.get("mimetype") == "text/html"):
            pages = _linked(filesystem, base, _MAX_LINKED_FOLDERS)
            items = list_files((page for page in pages if selected(name_of(page))), selected, coverage)
            yield from coverage.folder(_folder_of(base), items)
        elif details["type"] == "directory":
            items, folder = _folder(filesystem, base, selected), str(filesystem.unstrip_protocol(base))
            yield from coverage.folder(folder, items, certain=_in_pages(filesystem))
        else:
            yield _item(uri, details)


def list_files(uris: Iterable[str], selected: Selected, coverage: Coverage) -> Iterator[ArchiveItem]:
    """List the files and folders that a manifest names, in order. What cannot be found is listed with 0 bytes.

    Args:
        uris: The files and folders.
        selected: Which files of a folder to list.
        coverage: Notes what is listed.

    Raises:
        ArchiveError: A package that is needed is not installed, or a folder cannot be listed.
    """
    remaining = iter(uris)
    with ThreadPoolExecutor(_REQUESTS, thread_name_prefix="list") as executor:
        while ahead := list(islice(remaining, _AHEAD)):
            for uri, details in zip(ahead, executor.map(_looked_up, ahead), strict=True):
                if details is not None and details["type"] == "directory":
                    yield from list_remote(uri, selected, coverage)
                else:
                    yield _item(uri, details or {})


def look_at(uri: str) -> ArchiveItem | None:
    """Return the present state of a file; None if it is not there, or cannot be reached."""
    details = _looked_up(uri)
    return None if details is None else _item(uri, details)


def which_are_gone(uris: Iterable[str]) -> Iterator[bool]:
    """Return for each file, in order, whether its store says that it is not there. If a store cannot say, it is not."""
    with ThreadPoolExecutor(_REQUESTS, thread_name_prefix="look") as executor:
        yield from executor.map(_is_gone, uris)


def _is_gone(uri: str) -> bool:
    try:
        filesystem, path = file_system(uri)
        retried(lambda: filesystem.info(path))
    except FileNotFoundError as error:
        # fsspec raises it for whatever a web server answers, with the answer as its cause.
        said = getattr(error.__cause__, "status", None)
        return refusal(error) is None and (said in _GONE if is_http(uri) else True)
    except Exception:  # noqa: BLE001 - fsspec backends raise their own error types
        return False
    return False


def name_of(uri: str) -> str:
    """Return the file name in a URI."""
    path = uri.partition("?")[0] if is_http(uri) else uri
    return path.rpartition("/")[2]


def _looked_up(uri: str) -> dict[str, Any] | None:
    try:
        return _details(*file_system(uri))
    except ImportError as error:
        raise ArchiveError(f"{uri} needs another package: {error}") from error
    except Exception:  # noqa: BLE001 - fsspec backends raise their own error types; reading the file gives the reason
        return None


def _details(filesystem: Any, path: str) -> dict[str, Any] | None:  # noqa: ANN401 - an fsspec file system
    """Return the store's details of a file or folder; None if there is nothing."""
    try:
        return dict(retried(lambda: filesystem.info(path)))
    except FileNotFoundError as error:
        if refusal(error):
            raise
        return None


def _folder(filesystem: Any, base: str, selected: Selected) -> Iterator[ArchiveItem]:  # noqa: ANN401 - as above
    if _in_pages(filesystem):
        # Page by page: for millions of objects, the details that fsspec returns take gigabytes.
        for bucket, entry in _s3_objects(filesystem, base):
            if not entry["Key"].endswith("/") and selected(entry["Key"].rpartition("/")[2]):
                yield _item(f"s3://{bucket}/{entry['Key']}", entry | {"size": entry["Size"]})
    else:
        yield from _details_of(filesystem, retried(lambda: filesystem.find(base, detail=True)), selected)


def _in_pages(filesystem: Any) -> bool:  # noqa: ANN401 - as above
    """Return whether a folder is listed page by page: all its objects, or an error."""
    return hasattr(filesystem, "call_s3")


def _folder_of(page: str) -> str:
    """Return the folder of a page of a web server; of a server without a path, all of it."""
    address = page.partition("?")[0]
    return address.rpartition("/")[0] if address.count("/") > 2 else address


def _linked(filesystem: Any, page: str, depth: int) -> Iterator[str]:  # noqa: ANN401 - as above
    """Yield the files that a page of a web server links to, below itself, and the pages of its folders."""
    for link in sorted(filesystem.ls(page, detail=False)):
        if ".." in link.split("/"):
            continue
        if not link.endswith("/"):
            yield link
        elif depth and link != page:
            yield from _linked(filesystem, link, depth - 1)


def _s3_objects(filesystem: Any, base: str) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - as above
    bucket, key, _ = filesystem.split_path(base)
    options = {"Bucket": bucket, "Prefix": f"{key.rstrip('/')}/" if key else "", **filesystem.req_kw}
    while True:
        page = retried(partial(filesystem.call_s3, "list_objects_v2", **options))
        for entry in page.get("Contents", ()):
            yield bucket, entry
        if not page.get("IsTruncated"):
            return
        options["ContinuationToken"] = page["NextContinuationToken"]


def _details_of(
    filesystem: Any,  # noqa: ANN401 - as above
    found: dict[str, dict[str, Any]],
    selected: Selected,
) -> Iterator[ArchiveItem]:
    for path in sorted(found):
        if found[path]["type"] == "file" and selected(name_of(path)):
            yield _item(str(filesystem.unstrip_protocol(path)), found[path])


def _item(uri: str, details: dict[str, Any]) -> ArchiveItem:
    return ArchiveItem(uri, int(details.get("size") or 0), _mtime_ns(details), etag=_etag(details))


def _mtime_ns(details: dict[str, Any]) -> int:
    """Return the modification time under any of the names that stores use; 0 if there is none."""
    for name in _MTIMES:
        value = details.get(name)
        if isinstance(value, str):
            value = _parsed(value)
        if isinstance(value, datetime):
            return int(value.timestamp() * _NANOSECONDS)
        if isinstance(value, (int, float)):
            return int(value * _NANOSECONDS)
    return 0


def _parsed(time: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError):
            return parse(time)
    return None


def _etag(details: dict[str, Any]) -> str | None:
    stated = next((str(details[name]) for name in _ETAGS if details.get(name)), "")
    return stated.replace('"', "") or None


@contextmanager
def _errors(uri: str) -> Iterator[None]:
    """Raise `ArchiveError` for whatever a store raises."""
    try:
        yield
    except ArchiveError:
        raise
    except ImportError as error:
        raise ArchiveError(f"{uri} needs another package: {error}") from error
    except Exception as error:
        # fsspec backends raise their own error types.
        reason = refusal(error) or str(error) or type(error).__name__
        raise ArchiveError(f"{uri} cannot be listed: {reason}") from error
