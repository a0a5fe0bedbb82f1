"""What a run will do, in one record that is added up batch by batch: for `--dry-run`, for Prefect, and for the run."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa

from pipeline.lake import Lake
from pipeline.run.changes import Changes, count_changes
from pipeline.run.digest import DigestChunks, digest_here
from pipeline.run.discovery import Discovery, discover_batches
from pipeline.run.durations import Durations
from pipeline.run.estimate import Estimate, estimate_run
from pipeline.run.history import read_history
from pipeline.run.ledger import past_runs, workers_key
from pipeline.run.listing import Skipped
from pipeline.run.plan import Plan, Planner
from pipeline.run.redo import Redo
from pipeline.run.revision import models_of, recipe_of
from schemas.config import Config
from schemas.errors import ArchiveError
from schemas.records import NO_CHANGES, LocationChanges
from schemas.stages import STAGES, Stage


@dataclass(frozen=True, slots=True)
class Redone:
    """Why a stage of some videos is redone."""

    stage: Stage
    reason: str
    """In words, as in `speech.beam_size 5 -> 1`."""
    videos: int


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run will do, as far as its archive is listed. Videos are distinct: copies count once."""

    files: int = 0
    """Files listed."""
    read_files: int = 0
    """New or changed files, which were read to identify their content."""
    found: int = 0
    """Videos in the archive."""
    changes: Changes = field(default_factory=lambda: Changes(0, 0, 0))
    """Videos to analyse now, by the reason."""
    done: int = 0
    """Videos already in the lake at this revision."""
    failed_before: int = 0
    """Videos that failed at this revision, and would fail again."""
    postponed: int = 0
    """Videos over `limits.max_videos`, left for a later run."""
    forgotten: int = 0
    """Videos that the lake was told to forget."""
    unpublished: int = 0
    """Videos that a run has analysed and not yet published, because it is running or was killed. A run publishes those
    of killed runs first; until then, they count as videos to analyse."""
    locations: LocationChanges = NO_CHANGES
    """What became of the locations that the lake knew."""
    size_bytes: int = 0
    """Bytes of the videos to analyse."""
    stage_videos: Mapping[Stage, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))
    """Videos of which each stage is made or redone."""
    stage_video_s: Mapping[Stage, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    """Their seconds."""
    redone: tuple[Redone, ...] = ()
    """Why stages of videos in the lake are redone, the most frequent reason first within each stage. A video can have
    several reasons."""
    total_s: float = 0.0
    """Seconds of the videos to analyse."""
    stated_s: float = 0.0
    """Those of `total_s` that files state which were opened for this report."""
    estimated_s: float = 0.0
    """Those of `total_s` that are estimated from the sizes of files: of videos that were never opened."""
    rate_of: Literal["lake", "files", "typical"] = "lake"
    """Whose bit rate they are estimated from: that of the files that were opened for this report, of the lake's videos,
    or of a typical video, if there is neither."""
    estimate: Estimate | None = None
    """What it will cost; None if there is nothing to do, or no past run to go by."""
    notes: tuple[str, ...] = ()
    """Which files of the archive are left out, in words."""

    @property
    def videos(self) -> int:
        """Videos to analyse now."""
        return self.changes.new + self.changes.changed + self.changes.retried

    @property
    def skipped(self) -> int:
        """Videos that are not analysed, now or later."""
        return self.done + self.failed_before + self.forgotten


class Reporter:
    """Adds up the plan of a run.

    Args:
        lake: The lake as it is before the run.
        processed: The newest row of each video in the lake, from `Lake.processed`.
        planner: Plans the batches.
        revision: Revision of the run.
        config: The whole configuration.
        opens_files: Whether some new files of each extension are opened for their length.
    """

    def __init__(
        self,
        lake: Lake,
        processed: pa.Table,
        planner: Planner,
        revision: str,
        config: Config,
        *,
        opens_files: bool = False,
    ) -> None:
        self._lake, self._processed, self._planner = lake, processed, planner
        self._revision, self._workers = revision, workers_key(config.workers.model_dump(mode="json"))
        self._past = past_runs(lake)
        self._durations = Durations(lake, config if opens_files else None)
        self._stage_videos: dict[Stage, int] = dict.fromkeys(STAGES, 0)
        self._stage_video_s: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)
        self._redone: Counter[Redo] = Counter()
        self._report = PlanReport()

    def add(self, batch: Discovery, plan: Plan) -> PlanReport:
        """Add a batch and its plan, and return the report so far."""
        before, todo = self._report, [task for shard in plan.shards for task in shard.tasks]
        seconds = dict.fromkeys(("before", "stated", "by size"), 0.0)
        for task in sorted(todo, key=lambda task: task.video_id):  # digests: files of all sizes are among the first
            known_s = self._planner.duration_s(task)
            length_s, known = self._durations.estimate_s(task) if known_s is None else (known_s, "before")
            seconds[known] += length_s
            for stage in task.stages:
                self._stage_videos[stage] += 1
                self._stage_video_s[stage] += length_s
        self._redone.update(plan.redone)
        self._report = replace(
            before,
            files=before.files + batch.files,
            read_files=before.read_files + len(batch.new_sources),
            found=before.found + len(batch.tasks),
            changes=before.changes + count_changes(todo, self._processed, self._lake) if todo else before.changes,
            done=before.done + plan.done,
            failed_before=before.failed_before + plan.failed_before,
            postponed=before.postponed + plan.postponed,
            forgotten=before.forgotten + plan.forgotten,
            locations=before.locations + batch.changes,
            size_bytes=before.size_bytes + plan.size_bytes,
            stage_videos=dict(self._stage_videos),
            stage_video_s=dict(self._stage_video_s),
            redone=_most_frequent_first(self._redone),
            total_s=before.total_s + sum(seconds.values()),
            stated_s=before.stated_s + seconds["stated"],
            estimated_s=before.estimated_s + seconds["by size"],
            rate_of=self._durations.source,
            estimate=self._estimate() if before.videos or todo else None,
            notes=tuple(batch.skipped.lines()),
        )
        return self._report

    def _estimate(self) -> Estimate | None:
        return estimate_run(self._stage_video_s, self._past, revision=self._revision, workers=self._workers)


def _most_frequent_first(redone: Mapping[Redo, int]) -> tuple[Redone, ...]:
    ordered = sorted(redone.items(), key=lambda each: (STAGES.index(each[0].stage), -each[1], each[0].reason))
    return tuple(Redone(each.stage, each.reason, videos) for each, videos in ordered)


def plan_archive(
    archive: Sequence[str],
    lake: str,
    config: Config,
    *,
    progress: Callable[[int], None] = lambda _: None,
    digest_chunks: DigestChunks = digest_here,
) -> PlanReport:
    """Return what a run would do, without writing anything.

    The archive is listed, and new or changed files are read to identify them, as in a run. Some of them are opened for
    their length.

    Args:
        archive: Folders, files, globs, manifests, URIs.
        lake: Location of the lake, which need not exist.
        config: The whole configuration.
        progress: Called with the number of files found so far.
        digest_chunks: Digests files.

    Raises:
        ArchiveError: A part of the archive does not exist or cannot be listed, or it has no videos.
        ConfigurationError: The taxonomy cannot be read.
        LakeError: The lake cannot be read, or its folder holds other files.
        ModelError: A model cannot be found.
    """
    recipe = recipe_of(config, models_of(config))
    with Lake.preview(lake) as opened:
        processed = opened.processed()
        planner = Planner(processed, recipe, config, read_history(opened))
        reporter = Reporter(opened, processed, planner, recipe.revision, config, opens_files=True)
        skipped, report = Skipped(), PlanReport()
        for batch in discover_batches(
            archive, opened, config.archive, progress=progress, digest_chunks=digest_chunks, skipped=skipped
        ):
            report = reporter.add(batch, planner.plan(batch.tasks))
        check_found(report, archive, skipped)
        return replace(report, unpublished=opened.unpublished())


def check_found(report: PlanReport, archive: Sequence[str], skipped: Skipped) -> None:
    """Refuse an archive without videos.

    Raises:
        ArchiveError: Nothing was found.
    """
    if not report.found:
        nothing = f"There is no video in {', '.join(archive)}. Give a folder, a file, a glob, a manifest or a URI."
        raise ArchiveError(" ".join([nothing, *skipped.lines()]))
