"""Names of the lake's files, and of shards.

```
<lake>/_videolake.json                          marks the folder as a lake, and states its format
<lake>/_log/<version>.json, …                   which files make up the tables (see `pipeline.lake.log`)
<lake>/<table>/<revision8>-<shard>-<id>.parquet a shard's rows
<lake>/<table>/<revision8>-compact-<id>.parquet rows of many shards after compaction
<lake>/runs/<run_id>-<id>.parquet, sources/<run_id>-<id>.parquet
<lake>/corrections/<correction_id>-<id>.parquet
<lake>/_staging/<shard>/<video_id>.staged       a video's rows, until its shard is committed
<lake>/_staging/<shard>/<video_id>.attempt<n>   the machine that analyses it, while it does
<lake>/_replaced/<time>/<table>/<name>          files that are no longer part of the lake, kept for its readers
<lake>/_reports/<run_id>.html                   report of a run
<lake>/_search/                                 search index, derived (see `pipeline.search.manifest`)
<lake>/_tmp/, _lock, _lock.json                 used by the writer on local disk
<lake>/_leases/                                 who writes the lake on an object store (see `pipeline.lake.lease`)
```

Engines that read folders skip names that start with an underscore.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable

from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES

MARKER = "_videolake.json"
STAGING = "_staging"
TEMPORARY = "_tmp"
LOG = "_log"
REPLACED = "_replaced"
REPORTS = "_reports"
LOCK = "_lock"
LOCK_INFO = "_lock.json"
LEASES = "_leases"
SEARCH = "_search"

LAKE_FORMAT = 4
"""Version of this layout, in the marker. 3 had no table `forgotten`, whose videos older versions would bring back."""
FIRST_FORMAT_WITH_LOG = 3

RUN_TABLES = ("runs", "sources", "forgotten")
"""Tables whose rows belong to no shard."""
PENDING = "pending"
"""Begins the names of files of `forgotten` whose videos are not yet removed from all other files."""

REVISION_LENGTH = 8
_COMPACT = "compact-"
_NAME = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")


def shard_id(revision: str, videos: Iterable[tuple[str, str | None]]) -> str:
    """Return the name of the commit that will hold these videos.

    The same plan gives the same name, so a new run continues a killed one. A video that is analysed again (to retry a
    failure or to renew its results) gives a new name, because the commit that it supersedes is part of the digest.
    So published files are never overwritten with other content.

    Args:
        revision: Digest of configuration and models.
        videos: Id of each video and the `shard` of its row in the lake (see `Lake.processed`); None without a row.

    Returns:
        16 hex characters.
    """
    digest = hashlib.sha256(revision.encode())
    for video_id, superseded in sorted((video_id, superseded or "") for video_id, superseded in videos):
        digest.update(f"\n{video_id} {superseded}".encode())
    return digest.hexdigest()[:16]


def shard_file(revision: str, shard: str) -> str:
    """Return a new name for a file of a shard. No name is used twice, so no writer overwrites another's file."""
    return f"{_short(revision)}-{checked(shard)}-{_unique()}.parquet"


def run_file(run_id: str) -> str:
    """Return a new name for a file of a run table, or of corrections."""
    return f"{checked(run_id)}-{_unique()}.parquet"


def compact_file(group: str) -> str:
    """Return a new name for a file that compaction makes of one group (see `group_of`)."""
    return f"{group}-{_COMPACT}{_unique()}.parquet" if group else f"{_COMPACT}{_unique()}.parquet"


def tombstone_file(*, pending: bool) -> str:
    """Return a new name for a file of `forgotten`."""
    return f"{PENDING if pending else 'done'}-{_unique()}.parquet"


def is_pending(name: str) -> bool:
    """Return whether the videos of a file of `forgotten` are not yet removed from all other files."""
    return name.startswith(PENDING)


def group_of(table: str, name: str) -> str:
    """Return the prefix of files that may be merged: the short revision, or nothing in run tables."""
    if table in VIDEO_TABLES:
        return name[:REVISION_LENGTH]
    return PENDING if table == "forgotten" and is_pending(name) else ""


def is_of_shard(name: str, shard: str) -> bool:
    """Return whether a file holds the rows of one shard alone, and of this one."""
    return name[REVISION_LENGTH + 1 :].startswith((f"{shard}-", f"{shard}."))


def is_compact(name: str) -> bool:
    """Return whether compaction made the file."""
    return name.startswith(_COMPACT) or name[REVISION_LENGTH + 1 :].startswith(_COMPACT)


def _short(revision: str) -> str:
    if len(revision) < REVISION_LENGTH:
        raise LakeError(f"The revision {revision!r} is too short: it must have at least {REVISION_LENGTH} characters.")
    return checked(revision)[:REVISION_LENGTH]


def _unique() -> str:
    return uuid.uuid4().hex[:12]


def checked(name: str) -> str:
    """Return a name that is valid in paths of every store.

    Raises:
        LakeError: The name is not valid.
    """
    if not _NAME.fullmatch(name) or name.startswith(_COMPACT):
        raise LakeError(f"{name!r} cannot name a file in the lake: use letters, digits, and . _ - between them.")
    return name
