"""The identity of a video: files with the same content have the same id, wherever they are.

The id of a small file is the digest of all its bytes. The id of a large file is the digest of samples, as long as no
other file has the same samples. If one has, the two are the same video only if that is certain: if `surely_same` says
so, or all bytes of both are the same. Otherwise the digest of all its bytes is the id of the file that was found later.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from pipeline.run.digest import DigestChunks, Unread, method_for
from pipeline.run.file_state import file_of, locations, names_content, same_state, surely_same
from pipeline.run.known import Content, KnownFiles
from pipeline.run.listing import state_of
from schemas.config import ArchiveConfig
from schemas.records import ArchiveItem

_MAX_COMPARED = 4
"""Files that a large file with the same samples is compared with, at most."""


class Identities:
    """Gives each file of a run the id of its content.

    Args:
        known: The files that earlier runs have read.
        config: The `archive` section.
        digest_chunks: Digests files.
    """

    def __init__(self, known: KnownFiles, config: ArchiveConfig, digest_chunks: DigestChunks) -> None:
        self._known = known
        self._config = config
        self._digest_chunks = digest_chunks
        self._sampled: dict[str, ArchiveItem] = {}
        """The first file of this run with each digest of samples."""
        self._by_etag: dict[tuple[str, int], Content] = {}
        self._whole: dict[str, str | None] = {}
        """Digests of all bytes of large files, by location."""

    def without_reading(self, item: ArchiveItem) -> Content | None:
        """Return the content of a file that is known by its location or by its ETag; None if it must be read."""
        content = self._known.content_of(item)
        if content is None and item.etag and self._config.digest == "auto" and names_content(item.uri, item.etag):
            key = item.etag, item.size_bytes
            content = self._by_etag.get(key) or self._known.content_with_etag(*key)
        return content

    def reads(self, item: ArchiveItem) -> list[Unread]:
        """Return what must be read of a file for `contents`."""
        uri, size_bytes = file_of(item), item.size_bytes
        wanted = [Unread(uri, size_bytes, method_for(size_bytes, self._config))]
        if self._sampled_now(item) and (size_bytes in self._known.sizes_read_whole or self._known.forgotten_whole):
            # It may be a copy of a file whose id is the digest of all its bytes.
            wanted.append(Unread(uri, size_bytes, "full"))
        return wanted

    def contents(self, items: Sequence[ArchiveItem], digests: Iterable[str | None]) -> list[Content | None]:
        """Return the content of each file; None if it cannot be read.

        Args:
            items: Files, in the order in which they were listed.
            digests: The digests of all their `reads`, in order.
        """
        remaining = iter(digests)
        found: list[Content | None] = []
        doubtful: dict[int, tuple[str, list[ArchiveItem]]] = {}
        for place, item in enumerate(items):
            digest, *whole = islice(remaining, len(self.reads(item)))
            found.append(self._content(item, digest, whole))
            if digest is not None and found[-1] is None:
                doubtful[place] = digest, self._same_samples(digest)
        self._read_whole([(items[place], others) for place, (_, others) in doubtful.items()])
        for place, (digest, others) in doubtful.items():
            found[place] = self._compared(items[place], digest, others)
        for item, content in zip(items, found, strict=True):
            if content and item.etag and names_content(item.uri, item.etag):
                self._by_etag[item.etag, item.size_bytes] = content
        return found

    def _sampled_now(self, item: ArchiveItem) -> bool:
        return self._config.digest == "auto" and method_for(item.size_bytes, self._config) == "sampled"

    def _content(self, item: ArchiveItem, digest: str | None, whole: Sequence[str | None]) -> Content | None:
        """Return the content that a file has by its digests; None if it cannot be read, or must be compared."""
        if digest is None:
            return None
        if not self._sampled_now(item):
            return Content(digest, method_for(item.size_bytes, self._config))
        if whole:
            self._whole[file_of(item)] = whole[0]
        if whole and whole[0] and (self._known.has_content(whole[0]) or whole[0] in self._known.forgotten_whole):
            return Content(whole[0], "full")
        others = self._same_samples(digest)
        new = not others and not self._known.has_content(digest)
        if new or any(surely_same(other, item) for other in others):
            self._sampled.setdefault(digest, item)
            return Content(digest, "sampled")
        return None

    def _same_samples(self, digest: str) -> list[ArchiveItem]:
        """Return files whose id is this digest of samples: one of this run, and some of earlier ones."""
        first = self._sampled.get(digest)
        known = self._known.with_content(digest)
        return [*([first] if first else []), *islice(known, _MAX_COMPARED)]

    def _read_whole(self, pairs: Iterable[tuple[ArchiveItem, Sequence[ArchiveItem]]]) -> None:
        sizes = {
            file_of(each): each.size_bytes
            for item, others in pairs
            for each in (item, *(other for other in others if file_of(other) not in locations(item)))
            if file_of(each) not in self._whole
        }
        chunks = [[Unread(uri, size_bytes, "full")] for uri, size_bytes in sizes.items()]
        for uri, digests in zip(sizes, self._digest_chunks(chunks), strict=True):
            self._whole[uri] = digests[0]

    def _compared(self, item: ArchiveItem, digest: str, others: Sequence[ArchiveItem]) -> Content | None:
        """Return the content of a file that has been compared with others that have the same samples."""
        whole = self._whole[file_of(item)]
        if whole is None:
            return None
        for other in others:
            if file_of(other) in locations(item):
                continue  # this very file, before it was changed
            now = state_of(file_of(other))
            if now is None or not same_state(other, now):
                # It is gone. A file with its time is the same one, moved.
                same = item.mtime_ns == other.mtime_ns != 0
            else:
                same = self._whole[file_of(other)] == whole
            if same:
                return Content(digest, "sampled")
        return Content(whole, "full")
