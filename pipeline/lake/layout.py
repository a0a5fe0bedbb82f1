"""What the lake's files are called, and how a shard gets its name.

```
<lake>/_videolake.json                          what makes the folder a lake
<lake>/<table>/<revision8>-<shard>.parquet      a shard's rows; `videos` is written last and makes them count
<lake>/<table>/<revision8>-compact-<id>.parquet rows of many shards after compaction
<lake>/runs/<run_id>.parquet, sources/<run_id>.parquet
<lake>/_staging/<shard>/<video_id>/<table>.parquet
<lake>/_compactions/<id>.json                   which files another one stands for, while both are there
<lake>/_reports/<run_id>.html                   what a run shows to people
<lake>/_search/                                 search index, derived (see `pipeline.search.manifest`)
<lake>/_tmp/, _lock, _lock.json                 of the writer
```

Engines that read folders skip names that start with an underscore.
"""

import hashlib
import re
from collections.abc import Iterable

from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES

MARKER = "_videolake.json"
STAGING = "_staging"
TEMPORARY = "_tmp"
COMPACTIONS = "_compactions"
REPORTS = "_reports"
LOCK = "_lock"
LOCK_INFO = "_lock.json"
SEARCH = "_search"

RUN_TABLES = ("runs", "sources")
"""Tables that a run writes, one file a run."""

REVISION_LENGTH = 8
_COMPACT = "compact-"
_NAME = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")


def shard_id(revision: str, videos: Iterable[tuple[str, str | None]]) -> str:
    """Name the commit that will hold these videos.

    The same plan gives the same name, so that a run that was killed goes on where it stopped. A video that is analysed
    again (its failure may pass, or its results are to be made anew) gives another name than the first time, because the
    commit it supersedes is part of the digest: published files are never overwritten with other content.

    Args:
        revision: Digest of configuration and models.
        videos: Id of each video and the `shard` of its row in the lake (see `Lake.processed`), None if it has none.

    Returns:
        16 hex characters.
    """
    digest = hashlib.sha256(revision.encode())
    for video_id, superseded in sorted((video_id, superseded or "") for video_id, superseded in videos):
        digest.update(f"\n{video_id} {superseded}".encode())
    return digest.hexdigest()[:16]


def shard_file(revision: str, shard: str) -> str:
    """Name a shard's file, the same in every table."""
    if len(revision) < REVISION_LENGTH:
        raise LakeError(f"The revision {revision!r} is too short: it takes at least {REVISION_LENGTH} characters.")
    return f"{checked(revision)[:REVISION_LENGTH]}-{checked(shard)}.parquet"


def compact_file(group: str, compaction: str, number: int) -> str:
    """Name a file that compaction makes of several of one group (see `group_of`)."""
    return (
        f"{group}-{_COMPACT}{compaction}-{number:04d}.parquet"
        if group
        else f"{_COMPACT}{compaction}-{number:04d}.parquet"
    )


def group_of(table: str, name: str) -> str:
    """Return what files of one schema have in front of their names: the short revision; nothing in run tables."""
    return name[:REVISION_LENGTH] if table in VIDEO_TABLES else ""


def shard_of(name: str) -> str | None:
    """Return the shard that a file of a video table holds; None for a compacted file, which holds several."""
    rest = name.removesuffix(".parquet")[REVISION_LENGTH + 1 :]
    return None if rest.startswith(_COMPACT) else rest


def is_compact(name: str) -> bool:
    """Tell whether compaction made the file."""
    return name.startswith(_COMPACT) or name[REVISION_LENGTH + 1 :].startswith(_COMPACT)


def checked(name: str) -> str:
    """Return the name if it can be part of a path on every store.

    Raises:
        LakeError: It cannot.
    """
    if not _NAME.fullmatch(name) or name.startswith(_COMPACT):
        raise LakeError(f"{name!r} cannot name a file in the lake: use letters, digits, and . _ - between them.")
    return name
