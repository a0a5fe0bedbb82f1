"""Discovering and planning: batches of an archive become shards while the archive is still listed."""

from datetime import UTC, datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Failed

from flows.artifacts import PlanArtifact
from flows.naming import planned_name, rename_run
from flows.plan_table import headline
from flows.record import Run
from pipeline.run import Discovery, Planner, Reporter, check_found, discover_batches, read_history
from schemas.errors import ArchiveError, RunStoppedError
from workers import digest_on_workers


class Handle:
    """Hides a run from Prefect, which searches the dataclasses in a task's parameters for futures."""

    def __init__(self, run: Run) -> None:
        self.run = run


@task(name="plan", task_run_name="plan", cache_policy=NO_CACHE)
def prepare_plan(handle: Handle) -> str:
    """Clean up the lake, and read which videos it has."""
    run, logger = handle.run, get_run_logger()
    run.tally.update(stage="plan")
    cleaned = run.lake.clean()
    if cleaned.videos_published:
        logger.info("Published %d videos that an earlier run had analysed", cleaned.videos_published)
    run.processed = run.lake.processed()
    run.history = read_history(run.lake)
    return f"{run.processed.num_rows - len(run.lake.forgotten())} videos in the lake"


@task(name="discover", task_run_name="discover", cache_policy=NO_CACHE)
def discover_archive(handle: Handle) -> "str | State[str]":
    """List the archive, identify the content of every file, and plan the shards of each batch of videos.

    If it fails, what was planned before is analysed all the same, and then the run fails with this error.
    """
    run = handle.run
    try:
        return _discover(run)
    except RunStoppedError as error:
        return Cancelled(message=str(error))
    except ArchiveError as error:
        if run.plan.videos:
            run.logger.warning("%s The videos found before are analysed, and then the run fails.", error)
        return Failed(message=str(error), data=error)  # the message says it all, without a traceback
    finally:
        run.tally.update(listing=False)
        run.shards.close()


def _discover(run: Run) -> str:
    logger = get_run_logger()
    assert run.processed is not None  # noqa: S101 - `prepare_plan` read it
    run.tally.update(stage="discover", listing=True)
    assert run.recipe is not None  # noqa: S101 - the flow made it
    planner = Planner(run.processed, run.recipe, run.config, run.history)
    reporter = Reporter(run.lake, run.processed, planner, run.revision, run.config)
    shown = PlanArtifact(run.lake.uri)
    with digest_on_workers(run.config.workers) as digest_chunks:
        for batch in discover_batches(
            run.archive,
            run.lake,
            run.config.archive,
            progress=lambda count: _listed(run, count),
            digest_chunks=digest_chunks,
            skipped=run.skipped,
        ):
            if rows := batch.source_rows(datetime.now(UTC)):
                run.lake.write_sources(run.run_id, rows)
            _plan(run, batch, planner, reporter)
            shown.show(run.plan)
    check_found(run.plan, run.archive, run.skipped)
    rename_run(planned_name(run.lake.uri, run.plan.changes, run.plan.locations))
    shown.show(run.plan, complete=True)
    message = headline(run.plan)
    logger.info(message)
    for line in run.skipped.lines():
        logger.warning(line)
    return message


def _listed(run: Run, files: int) -> None:
    if run.stopped.is_set():
        raise RunStoppedError("The run ended while its archive was listed.")
    run.tally.update(files_found=files)


def _plan(run: Run, batch: Discovery, planner: Planner, reporter: Reporter) -> None:
    """Plan the videos of a batch, and put their shards into the queue."""
    plan = planner.plan(batch.tasks)
    _listed(run, run.tally.snapshot.files_found)
    run.plan = reporter.add(batch, plan)
    run.tally.update(videos=run.plan.videos, skipped=run.plan.skipped, size_bytes=run.plan.size_bytes)
    for shard in plan.shards:
        run.tally.expect(shard.tasks)
        run.shards.put(shard)
    if run.pool is not None:
        run.pool.expect(run.shards.videos)
