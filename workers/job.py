"""What the workers need to know about a run and about a shard, small and serialisable."""

from dataclasses import dataclass

from pipeline.models import ModelInfo
from schemas.config import Config


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What all videos of a shard have in common."""

    shard: str
    revision: str
    lake_uri: str


@dataclass(frozen=True, slots=True)
class RunJob:
    """What all shards of a run have in common."""

    revision: str
    lake_uri: str
    config: Config
    models: tuple[ModelInfo, ...] = ()
    """The models found where the run was planned. A worker whose models differ refuses to work."""

    def of_shard(self, shard: str) -> ShardJob:
        """Return the job of one of the shards."""
        return ShardJob(shard, self.revision, self.lake_uri)
