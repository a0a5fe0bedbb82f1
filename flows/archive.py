"""The main flow: discover the videos of an archive, plan shards, run and commit each, publish the result."""

import logging
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flows.prefect_setup import prepare_prefect

prepare_prefect(quiet=False)

from prefect import flow, get_run_logger, task  # noqa: E402 - its settings are read from the environment on import
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402

from flows.artifacts import ProgressArtifact, publish_report, publish_result, result_markdown  # noqa: E402
from flows.progress import Snapshot, Tally, watched_by  # noqa: E402
from flows.record import run_row  # noqa: E402
from pipeline.lake import Lake  # noqa: E402
from pipeline.models import ModelInfo, settle  # noqa: E402
from pipeline.run import Discovery, Plan, Shard, discover, make_plan, models_of, revision_of  # noqa: E402
from pipeline.search import index_if_large  # noqa: E402
from schemas.config import Config  # noqa: E402
from schemas.errors import ArchiveError, ConfigurationError, ModelError, VideolakeError  # noqa: E402
from schemas.outcome import RunResult, VideoOutcome  # noqa: E402
from workers import Placement, ShardJob, choose_placement, ray_cluster, run_shard  # noqa: E402

_MANIFEST_NOTE = "Name a folder, a file, a glob, a manifest or a URI."


class NothingAnalysedError(VideolakeError):
    """Every video of a run failed: something is wrong with the archive or the machine, not with a video."""


@dataclass(slots=True, eq=False)
class _Run:
    """What the tasks of one run share. Not a parameter of any kind that Prefect would look into or store."""

    archive: Sequence[str]
    lake: Lake
    config: Config
    logger: Any
    tally: Tally = field(default_factory=Tally)
    run_id: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    models: tuple[ModelInfo, ...] = ()
    revision: str = ""
    discovery: Discovery | None = None
    plan: Plan | None = None
    placement: Placement | None = None


class _Handle:
    """Hides a run from Prefect, which walks through dataclasses to find futures in them."""

    def __init__(self, run: _Run) -> None:
        self.run = run


@task(name="discover", task_run_name="discover", cache_policy=NO_CACHE)
def discover_archive(handle: _Handle) -> str:
    """List the archive, and name the content of every file."""
    run, logger = handle.run, get_run_logger()
    run.tally.update(stage="discover")
    found = discover(
        run.archive, run.lake, run.config.archive, progress=lambda files: run.tally.update(files_found=files)
    )
    if not found.tasks:
        endings = ", ".join(run.config.archive.extensions[:6])
        raise ArchiveError(f"There is no video in {', '.join(run.archive)} (endings: {endings}, …). {_MANIFEST_NOTE}")
    now = datetime.now(UTC)
    if found.new_sources:
        run.lake.write_sources(run.run_id, [source | {"seen_at": now} for source in found.new_sources])
    run.discovery = found
    message = f"{found.files} files, {len(found.tasks)} distinct videos, {len(found.new_sources)} files new or changed"
    logger.info(message)
    return message


@task(name="plan", task_run_name="plan", cache_policy=NO_CACHE)
def plan_shards(handle: _Handle) -> str:
    """Put the lake in order, leave out what is done, and cut the rest into shards."""
    run, logger = handle.run, get_run_logger()
    run.tally.update(stage="plan")
    assert run.discovery is not None  # noqa: S101 - the task before made it
    cleaned = run.lake.clean()
    if cleaned.videos_published:
        logger.info("Published %d videos that an earlier run had finished", cleaned.videos_published)
    plan = make_plan(run.discovery.tasks, run.lake.processed(run.revision), run.revision, run.config)
    run.plan = plan
    run.tally.update(videos=plan.videos, skipped=plan.done + plan.failed_before, size_bytes=plan.size_bytes)
    message = (
        f"{plan.videos} videos to analyse in {len(plan.shards)} shards; {plan.done} done before, "
        f"{plan.failed_before} failed before, {plan.postponed} postponed"
    )
    logger.info(message)
    return message


def _worth_a_retry(_task: Any, _run: Any, state: Any) -> bool:  # noqa: ANN401 - Prefect's own types
    """Tell whether another try may help: not where the configuration or a model is wrong."""
    try:
        state.result()
    except (ConfigurationError, ModelError):
        return False
    except Exception:  # noqa: BLE001 - whatever it is, Prefect has recorded it
        return True
    return True


@task(name="analyse", task_run_name="{title}", cache_policy=NO_CACHE, retry_condition_fn=_worth_a_retry)
def analyse_shard(title: str, handle: _Handle, number: int) -> str:
    """Analyse the videos of a shard on the workers, and commit their rows at once."""
    run, logger = handle.run, get_run_logger()
    assert run.plan is not None  # noqa: S101 - the task before made it
    shard = run.plan.shards[number]
    run.tally.begin()
    run.tally.update(stage=title)
    job = ShardJob(shard.id, shard.revision, run.lake.uri, run.config, run.models)
    for outcome in run_shard(job, shard.tasks, run.placement, positions=run.tally.move):
        run.tally.end(outcome)
        _log(logger, outcome)
    published = run.lake.commit(shard.id, shard.revision)
    for outcome in _unreported(run, shard):
        run.tally.end(outcome)
    message = f"Committed shard {shard.id}: {published} videos"
    logger.info(message)
    return message


@task(name="publish", task_run_name="publish", cache_policy=NO_CACHE)
def publish_run(handle: _Handle) -> str:
    """Record the run in the lake and show its result in Prefect."""
    run, logger = handle.run, get_run_logger()
    run.tally.update(stage="publish")
    failed = run.tally.snapshot.failed
    _record(run, "completed_with_errors" if failed else "completed")
    markdown = result_markdown(
        run.tally.outcomes,
        lake=run.lake.uri,
        found=len(run.discovery.tasks) if run.discovery else 0,
        skipped=run.tally.snapshot.skipped,
        wall_s=(datetime.now(UTC) - run.started_at).total_seconds(),
    )
    publish_result(run.tally.outcomes, markdown)
    _index(run)
    if run.tally.outcomes:
        publish_report(run.lake, run.run_id, run.config.report)
    message = f"{run.tally.snapshot.ok} videos analysed, {failed} failed"
    logger.info(message)
    return message


def _index(run: _Run) -> None:
    """Bring the search index up to date where one is wanted; the lake is whole without it."""
    try:
        done = index_if_large(run.lake, run.config.search)
    except Exception as error:  # noqa: BLE001 - a full disk, say
        run.logger.warning("The search index is not up to date: %s", error)
    else:
        if done:
            run.logger.info("Search index: %s", done)


@flow(name="analyze-archive", description=__doc__, log_prints=False)
def analyze_archive(archive: list[str], lake: str, config: Config = Config()) -> RunResult:  # noqa: B008 - immutable
    """Turn the videos of an archive into tables.

    Args:
        archive: Folders, files, globs, manifests (`.txt`, `.csv`, `.parquet`) or fsspec URIs.
        lake: Where the tables are; made if there are none.
        config: Everything that can be set.

    Returns:
        What was done. Videos that failed are rows of the table `errors`, and no failure of the run.

    Raises:
        ArchiveError: The archive is not there, or holds no videos.
        ConfigurationError: The cluster cannot be joined, or is too small.
        LakeError: The lake cannot be written, or another run holds it.
        ModelError: A model cannot be found.
        NothingAnalysedError: Every video failed.
    """
    logger = get_run_logger()
    opened = Lake.create(lake)
    config = settle(config)
    run = _Run(archive, opened, config, logger)
    run.run_id = f"{run.started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    handle = _Handle(run)
    with ExitStack() as stack:
        stack.enter_context(opened.lock())
        run.models = models_of(config)
        run.revision = revision_of(config, run.models)
        bar = ProgressArtifact()
        stack.enter_context(watched_by(lambda snapshot, _ended: bar.show(snapshot)))
        try:
            discover_archive(handle)
            plan_shards(handle)
            _analyse(handle, stack, bar)
            publish_run(handle)
        except BaseException as error:
            _record(run, "failed" if isinstance(error, Exception) else "stopped")
            raise
    run.tally.update(stage="done")
    result = _result(run)
    if result.failed and not result.ok and not result.done_before:
        raise NothingAnalysedError(
            f"All {result.failed} videos failed; the first: {run.tally.outcomes[0].error_message} "
            "The table `errors` has the rest."
        )
    return result


def _analyse(handle: _Handle, stack: ExitStack, bar: ProgressArtifact) -> None:
    run = handle.run
    assert run.plan is not None  # noqa: S101 - the task before made it
    if not run.plan.shards:
        run.logger.info("Nothing to do.")
        return
    bar.create()
    if run.config.workers.engine == "ray":
        run.tally.update(stage="starting workers")
        resources = stack.enter_context(ray_cluster(run.config.workers.ray_address))
        run.placement = choose_placement(run.config.workers, resources)
        run.logger.info("Cluster: %s; %s", {name: resources.get(name, 0) for name in ("CPU", "GPU")}, run.placement)
    shards = run.config.shards
    retrying = analyse_shard.with_options(
        retries=shards.retries,
        retry_delay_seconds=[shards.retry_delay_s * 2**number for number in range(shards.retries)],
    )
    for number, shard in enumerate(run.plan.shards):
        retrying(_title(shard, number, len(run.plan.shards)), handle, number)


def _title(shard: Shard, number: int, count: int) -> str:
    """Name a shard by what it holds."""
    videos = f"{len(shard.tasks)} videos" if len(shard.tasks) > 1 else "1 video"
    return f"shard {number + 1} of {count}: {videos}, {shard.size_bytes / 1e6:,.1f} MB ({shard.id[:6]})"


def _log(logger: Any, outcome: VideoOutcome) -> None:  # noqa: ANN401 - Prefect's logger adapters
    """Hand on what a worker logged, and one line about the video."""
    for line in outcome.log:
        logger.log(line.level if line.level >= logging.WARNING else logging.DEBUG, "%s: %s", line.logger, line.message)
    if outcome.status == "ok":
        logger.info(
            "%s: %.0f s in %.1f s on %s, %s, %d shots, %d words",
            outcome.uri, outcome.duration_s, outcome.wall_s, outcome.worker, outcome.language or "no speech",
            outcome.shots, outcome.words,
        )  # fmt: skip


def _unreported(run: _Run, shard: Shard) -> list[VideoOutcome]:
    """Make outcomes, from the lake, of videos that were staged by a worker which died before it could report them."""
    missing = {task.video_id for task in shard.tasks} - {outcome.video_id for outcome in run.tally.outcomes}
    if not missing:
        return []
    rows = run.lake.sql(
        "SELECT v.video_id, v.uri, size_bytes, status, duration_s, language, shots, frames, utterances, words, "  # noqa: S608
        "coalesce(kind, '') AS error_kind, coalesce(message, '') AS error_message, coalesce(headline, '') AS headline "
        "FROM videos v LEFT JOIN errors e USING (video_id) LEFT JOIN summaries s USING (video_id) "
        f"WHERE v.video_id IN ({', '.join(f'{chr(39)}{video_id}{chr(39)}' for video_id in sorted(missing))})"
    )
    return [VideoOutcome(**row) for row in rows.to_pylist()]


def _record(run: _Run, state: str) -> None:
    row = run_row(
        run_id=run.run_id,
        revision=run.revision,
        state=state,
        archive=run.archive,
        config=run.config,
        models=run.models,
        outcomes=run.tally.outcomes,
        found=len(run.discovery.tasks) if run.discovery else 0,
        skipped=run.tally.snapshot.skipped,
        started_at=run.started_at,
        finished_at=datetime.now(UTC),
        prefect_flow_run_id=str(flow_run.id) if flow_run.id else None,
    )
    run.lake.write_run(row)


def _result(run: _Run) -> RunResult:
    assert run.discovery is not None and run.plan is not None  # noqa: S101, PT018 - the tasks made them
    snapshot: Snapshot = run.tally.snapshot
    return RunResult(
        run_id=run.run_id,
        lake=run.lake.uri,
        revision=run.revision,
        found=len(run.discovery.tasks),
        done_before=run.plan.done,
        failed_before=run.plan.failed_before,
        postponed=run.plan.postponed,
        ok=snapshot.ok,
        failed=snapshot.failed,
        video_s=sum(outcome.duration_s for outcome in run.tally.outcomes),
        wall_s=(datetime.now(UTC) - run.started_at).total_seconds(),
        outcomes=tuple(run.tally.outcomes),
    )
