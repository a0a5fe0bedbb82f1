"""What a worker has to know, small and plain, so that it travels to any machine."""

import json
from dataclasses import asdict, dataclass

from pipeline.models import ModelInfo
from schemas.config import Config
from schemas.records import VideoTask


@dataclass(frozen=True, slots=True)
class ShardJob:
    """The part of a shard that is the same for all its videos."""

    shard: str
    revision: str
    lake_uri: str
    config: Config
    models: tuple[ModelInfo, ...] = ()
    """As found where the run was planned; a worker on a machine with others does nothing."""


def task_to_json(task: VideoTask) -> str:
    """Write a task so that it crosses to another process; file names in any bytes survive."""
    return json.dumps(asdict(task))


def task_from_json(text: str) -> VideoTask:
    """Read what `task_to_json` wrote."""
    fields = json.loads(text)
    return VideoTask(fields["video_id"], tuple(fields["uris"]), fields["size_bytes"], fields["mtime_ns"])
