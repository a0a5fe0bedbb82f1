"""Check quickly, without Prefect, Ray or a model, whether a run has nothing to do or cannot start."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline.lake import Lake
from pipeline.locations import local_path
from pipeline.run import Skipped, discover_known, list_archive, make_plan, models_of, read_history, recipe_of
from schemas.config import Config
from schemas.errors import LakeError
from schemas.stages import STAGES, Stage

_FEW = 64


@dataclass(frozen=True, slots=True)
class Peek:
    """What is known of a run before anything is started for it."""

    nothing_to_do: str = ""
    """Says so, if every file of the archive is known, unchanged and done."""
    stages: tuple[Stage, ...] = STAGES
    """The stages that its first videos need. New files need all of them."""
    videos: int | None = None
    """How many videos it may analyse, at most; None if that is not known, or not few."""


def peek(archive: list[str], lake: str, config: Config) -> Peek:
    """Compare an archive with a lake.

    Opens no video: file names, sizes and times are compared with the lake.

    Raises:
        ArchiveError: A part of the archive does not exist.
        ModelError: A model cannot be found.
        ConfigurationError: The taxonomy cannot be read.
    """
    for root in archive:
        next(list_archive([root], config.archive), None)
    models = models_of(config)
    try:
        opened = Lake(lake)
    except LakeError:
        return Peek(videos=_few_files(archive, config))  # the run creates it
    skipped = Skipped()
    tasks = discover_known(archive, opened, config.archive, skipped)
    if not tasks:
        return Peek(videos=_few_files(archive, config))
    plan = make_plan(tasks, opened.processed(), recipe_of(config, models), config, read_history(opened))
    if plan.videos:
        needed = {stage for shard in plan.shards for stage in shard.stages}
        return Peek(stages=tuple(stage for stage in STAGES if stage in needed), videos=plan.videos)
    failed = f" {plan.failed_before} failed before; --retry-failed tries them again." if plan.failed_before else ""
    done = f"Nothing to do: {plan.done} videos are in the lake, unchanged.{failed}"
    return Peek("\n".join([done, *skipped.lines(), f"Lake: {opened.uri}"]), ())


def _few_files(archive: Sequence[str], config: Config) -> int | None:
    if any(local_path(root) is None for root in archive):
        return None  # some stores list everything for the first file
    count = sum(1 for _ in islice(list_archive(archive, config.archive), _FEW + 1))
    return count if 0 < count <= _FEW else None
