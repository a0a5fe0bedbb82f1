"""What the workers need to know about a run and about a shard, small and serialisable."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.models import ModelInfo
from schemas.config import Config
from schemas.stages import STAGES, Stage


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What all videos of a shard have in common."""

    shard: str
    revision: str
    lake_uri: str
    stages: Mapping[Stage, str] = field(default_factory=dict)
    """Revision of each stage; a stage that is not named has `revision`."""
    shared: bool = False
    """Whether other videos may be analysed in the same process, so that its end tells nothing about this one."""

    def revision_of(self, stage: Stage) -> str:
        """Return the revision of a stage."""
        return self.stages.get(stage, self.revision)


@dataclass(frozen=True, slots=True)
class RunJob:
    """What all shards of a run have in common."""

    revision: str
    lake_uri: str
    config: Config
    models: tuple[ModelInfo, ...] = ()
    """The models found where the run was planned. A worker whose models differ refuses to work."""
    stages: Mapping[Stage, str] = field(default_factory=dict)
    """Revision of each stage; a stage that is not named has `revision`."""
    expected: tuple[Stage, ...] = STAGES
    """The stages whose models a worker loads before its first video. A video that needs others loads them."""

    def of_shard(self, shard: str, *, shared: bool = False) -> ShardJob:
        """Return the job of one of the shards."""
        return ShardJob(shard, self.revision, self.lake_uri, self.stages, shared)
