"""The manifest of the search index: it names every file of the index, and readers open nothing else.

```
<lake>/_search/manifest.json             every file below, with size and SHA-256; written last
<lake>/_search/<segment>/rows.arrow      the moments, as Arrow IPC
<lake>/_search/<segment>/commits.arrow   the videos, each with its shard
<lake>/_search/<segment>/<space>.faiss   vectors of one space, as IVF; or <space>.npy and <space>.rows.npy if few
<lake>/_search/<segment>/lexical/…       words, as a tantivy index
```

The index is derived from the tables: delete the folder, and `videolake index` builds it again.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.lake import DerivedFiles
from pipeline.search.rows import Space
from schemas.errors import SearchIndexError

MANIFEST = "manifest.json"
_FORMAT = 8

REMEDY = "Run `videolake index --rebuild`."
"""What to do about a damaged index, for error messages."""

_SegmentName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^(lexical/)?[A-Za-z0-9_][A-Za-z0-9._-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredFile(_Part):
    """A file of the index."""

    size: int = Field(ge=0)
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "StoredFile":
        """Measure a file's size and checksum."""
        with path.open("rb") as stream:
            return cls(size=path.stat().st_size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


class StoredSegment(_Part):
    """A segment of the index."""

    name: _SegmentName
    moments: int
    words: int
    models: dict[Space, str]
    """The model that made the vectors of each space."""
    files: dict[_FileName, StoredFile]

    def path(self, file: str) -> str:
        """Return the path of a file in the index."""
        return f"{self.name}/{file}"


class Manifest(_Part):
    """The whole index."""

    format: int = _FORMAT
    segments: tuple[StoredSegment, ...] = ()

    @property
    def moments(self) -> int:
        """Number of moments, superseded ones included."""
        return sum(segment.moments for segment in self.segments)


def manifest_state(files: DerivedFiles) -> str:
    """Return a string that changes whenever the index does; empty if there is no index."""
    try:
        return hashlib.sha256(files.read(MANIFEST)).hexdigest()
    except FileNotFoundError:
        return ""
    except (PermissionError, IsADirectoryError) as error:
        return type(error).__name__


def read_manifest(files: DerivedFiles) -> Manifest | None:
    """Return the manifest; None if there is no index.

    Raises:
        SearchIndexError: The manifest is damaged, or another version of Videolake wrote it.
    """
    try:
        manifest = Manifest.model_validate_json(files.read(MANIFEST))
    except FileNotFoundError:
        return None
    except (ValidationError, OSError) as error:
        raise SearchIndexError(f"The search index of {files.lake_uri} is damaged. {REMEDY}") from error
    if manifest.format != _FORMAT:
        raise SearchIndexError(f"The search index of {files.lake_uri} has another format. {REMEDY}")
    return manifest


def publish_manifest(files: DerivedFiles, manifest: Manifest) -> None:
    """Switch readers to a new index, at once, and remove files that it does not use."""
    files.write(MANIFEST, manifest.model_dump_json(indent=1).encode())
    remove_leftovers(files, {segment.name: segment for segment in manifest.segments})


def remove_leftovers(files: DerivedFiles, segments: Mapping[str, StoredSegment]) -> None:
    """Remove segments of an earlier index, and those of a build that was killed."""
    for name in files.names():
        if name not in segments and name != MANIFEST:
            files.remove_folder(name)
