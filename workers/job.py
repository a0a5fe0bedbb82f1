"""What a worker needs to know about a shard, small and serialisable."""

import json
from dataclasses import asdict, dataclass

from pipeline.models import ModelInfo
from schemas.config import Config
from schemas.records import VideoTask


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What all videos of a shard have in common."""

    shard: str
    revision: str
    lake_uri: str
    config: Config
    models: tuple[ModelInfo, ...] = ()
    """The models found where the run was planned. A worker whose models differ refuses to work."""


def task_to_json(task: VideoTask) -> str:
    """Serialise a task, preserving file names that are not valid text."""
    return json.dumps(asdict(task))


def task_from_json(text: str) -> VideoTask:
    """Read a task that `task_to_json` wrote."""
    fields = json.loads(text)
    return VideoTask(fields["video_id"], tuple(fields["uris"]), fields["size_bytes"], fields["mtime_ns"])
