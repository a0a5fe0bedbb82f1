"""What the stored index of a lake consists of, so that nothing else is ever read as a part of it.

```
<lake>/_search/manifest.json             names every file below, with size and SHA-256; written last
<lake>/_search/<segment>/rows.arrow      moments, Arrow IPC
<lake>/_search/<segment>/commits.arrow   which videos, and the shard of each
<lake>/_search/<segment>/<space>.faiss   vectors of one space, IVF; few ones as <space>.npy and <space>.rows.npy
<lake>/_search/<segment>/lexical/…       words, tantivy
```

All of it is derived: delete the folder and `videolake index` makes it anew.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.lake import Store
from pipeline.search.rows import Space
from schemas.errors import SearchIndexError

FOLDER = "_search"
_MANIFEST = f"{FOLDER}/manifest.json"
_FORMAT = 3

_SegmentName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^(lexical/)?[A-Za-z0-9_][A-Za-z0-9._-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredFile(_Part):
    """One file."""

    size: int = Field(ge=0)
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "StoredFile":
        """Measure a file."""
        with path.open("rb") as stream:
            return cls(size=path.stat().st_size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


class StoredSegment(_Part):
    """One segment."""

    name: _SegmentName
    moments: int
    words: int
    models: dict[Space, str]
    """Which model made the vectors of each space."""
    files: dict[_FileName, StoredFile]

    def path(self, file: str) -> str:
        """Return the path of a file in the lake."""
        return f"{FOLDER}/{self.name}/{file}"


class Manifest(_Part):
    """The whole index."""

    format: int = _FORMAT
    segments: tuple[StoredSegment, ...] = ()

    @property
    def moments(self) -> int:
        """Number of moments, superseded ones included."""
        return sum(segment.moments for segment in self.segments)


def manifest_state(store: Store) -> str:
    """Return what changes whenever the index does; empty where there is none."""
    try:
        return hashlib.sha256(store.read(_MANIFEST)).hexdigest()
    except FileNotFoundError:
        return ""
    except (PermissionError, IsADirectoryError) as error:
        return type(error).__name__


def read_manifest(store: Store) -> Manifest | None:
    """Return what the index consists of; None where there is none.

    Raises:
        SearchIndexError: It is damaged, or of a newer Videolake.
    """
    try:
        manifest = Manifest.model_validate_json(store.read(_MANIFEST))
    except FileNotFoundError:
        return None
    except (ValidationError, OSError) as error:
        raise SearchIndexError(f"The search index of {store.uri} is damaged: {_REMEDY}.") from error
    if manifest.format != _FORMAT:
        raise SearchIndexError(f"The search index of {store.uri} is of another version: {_REMEDY}.")
    return manifest


def publish_manifest(store: Store, manifest: Manifest) -> None:
    """Make an index count, all at once, and remove what is no part of it."""
    store.write(_MANIFEST, manifest.model_dump_json(indent=1).encode())
    remove_leftovers(store, {segment.name: segment for segment in manifest.segments})


def remove_leftovers(store: Store, segments: Mapping[str, StoredSegment]) -> None:
    """Remove segments that an earlier index consisted of, or that a killed build left."""
    for name in store.names(FOLDER):
        if name not in segments and f"{FOLDER}/{name}" != _MANIFEST:
            store.remove_folder(f"{FOLDER}/{name}")


_REMEDY = "`videolake index --rebuild` makes it anew"
