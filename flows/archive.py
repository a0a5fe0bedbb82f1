"""The main flow: discover the videos of an archive, plan shards, analyse and commit each shard, publish the result."""

import uuid
from contextlib import ExitStack

from flows.prefect_setup import prepare_prefect

prepare_prefect(quiet=False)

from prefect import flow, get_run_logger, task  # noqa: E402 - importing Prefect reads its settings
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402

from flows.artifacts import ProgressArtifact, publish_report, publish_result, result_markdown  # noqa: E402
from flows.ending import failed_state, final_state  # noqa: E402
from flows.heartbeat import heartbeat  # noqa: E402
from flows.naming import FLOW, starting_name  # noqa: E402
from flows.notices import outages_told  # noqa: E402
from flows.parameters import Profile, config_of  # noqa: E402
from flows.planning import Handle, discover_archive, prepare_plan  # noqa: E402
from flows.progress import watched_by  # noqa: E402
from flows.record import Run, run_result, run_row  # noqa: E402
from flows.shards import analyse_shards  # noqa: E402
from pipeline.lake import Lake  # noqa: E402
from pipeline.models import settle  # noqa: E402
from pipeline.run import location_lines, models_of, recipe_of  # noqa: E402
from pipeline.search import index_if_large  # noqa: E402
from schemas.errors import LakeError, VideolakeError  # noqa: E402
from schemas.outcome import RunResult  # noqa: E402
from workers import RunJob, open_pool  # noqa: E402


class NothingAnalysedError(VideolakeError):
    """Every video of a run failed, so the problem is the archive or the machine, not a video."""


@task(name="publish", task_run_name="publish", cache_policy=NO_CACHE)
def publish_run(handle: Handle) -> str:
    """Record the run in the lake and publish its result in Prefect."""
    run, logger = handle.run, get_run_logger()
    run.tally.update(stage="publish")
    failed = run.tally.snapshot.failed
    _record(run, "completed_with_errors" if failed else "completed")
    markdown = result_markdown(
        run.tally.snapshot,
        run.tally.sample,
        lake=run.lake.uri,
        found=run.plan.found,
        notes=[*location_lines(run.plan.locations), *run.skipped.lines()],
        wall_s=run.wall_s,
    )
    publish_result(run.lake.uri, run.tally.sample, markdown)
    _index(run)
    if run.tally.snapshot.done:
        publish_report(run.lake, run.run_id, run.config.report)
    message = f"{run.tally.snapshot.ok} videos analysed, {failed} failed"
    logger.info(message)
    return message


def _index(run: Run) -> None:
    """Update the search index if the configuration wants one. A failure does not matter: search works without it."""
    try:
        done = index_if_large(run.lake, run.config.search)
    except Exception as error:  # noqa: BLE001 - such as a full disk
        run.logger.warning("The search index is not up to date: %s", error)
    else:
        if done:
            run.logger.info("Search index: %s", done)


@flow(name=FLOW, flow_run_name=starting_name, description=__doc__, log_prints=False)
def analyze_archive(archive: list[str], lake: str, profile: Profile = "embedded", settings: str = "") -> RunResult:
    """Turn the videos of an archive into tables.

    Args:
        archive: Folders, files, globs, manifests (`.txt`, `.csv`, `.parquet`) or URIs such as `s3://bucket/talks`.
        lake: Folder or URI of the lake, which is created if it does not exist.
        profile: Built-in set of settings.
        settings: Settings that override the profile, as TOML. `videolake config` prints and explains all of them.

    Returns:
        The counts and outcomes of the run. A video that fails is a row in `errors`; the run does not fail.

    Raises:
        ArchiveError: The archive does not exist or has no videos.
        ConfigurationError: The settings are not valid, or the cluster cannot be joined, or is too small.
        LakeError: The lake cannot be written, or another run holds its lock.
        ModelError: A model cannot be found.
        NothingAnalysedError: Every video failed.
        UnpublishedError: Some shards could not be published; the others were.
    """
    try:
        return _run(archive, lake, profile, settings)
    except VideolakeError as error:
        return failed_state(error)


def _run(archive: list[str], lake: str, profile: Profile, settings: str) -> RunResult:
    logger = get_run_logger()
    config = settle(config_of(profile, settings))
    opened = Lake.create(lake)
    run = Run(archive, opened, config, logger)
    run.run_id = f"{run.started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    handle = Handle(run)
    with ExitStack() as stack:
        stack.enter_context(heartbeat())
        stack.enter_context(outages_told(run.tell))
        stack.enter_context(opened.lock(single_writer=config.lake.single_writer, waiting=run.tell))
        run.models = models_of(config)
        run.recipe = recipe_of(config, run.models)
        bar = ProgressArtifact(opened.uri)
        stack.enter_context(watched_by(lambda snapshot, _ended: bar.show(snapshot)))
        try:
            with opened.patiently():
                prepare_plan(handle)
                _analyse(run, bar)
                publish_run(handle)
        except BaseException as error:
            try:
                _record(run, "failed" if isinstance(error, Exception) else "stopped")
            except LakeError as unrecorded:
                logger.warning("The run could not be recorded: %s", unrecorded)
            raise
    run.tally.update(stage="done")
    result = run_result(run)
    if result.failed and not result.ok and not result.done_before:
        first = run.tally.sample[0].error_message
        raise NothingAnalysedError(
            f"The only video failed: {first}"
            if result.failed == 1
            else f"All {result.failed} videos failed. One of them: {first} See the table `errors` for the others."
        )
    return final_state(result, config.report)


def _analyse(run: Run, bar: ProgressArtifact) -> None:
    """Discover the archive in a thread of its own, and analyse its shards meanwhile.

    Raises:
        ArchiveError: The archive cannot be listed to its end. The shards of what was found are published.
    """
    discovered = discover_archive.submit(Handle(run))
    discovered.add_done_callback(lambda _: run.shards.close())  # also if Prefect fails before it begins
    try:
        planned = run.shards.wait()
        if planned:
            bar.create()
            run.tally.update(stage="analyse")
            assert run.recipe is not None  # noqa: S101 - the flow made it
            recipe, expected = run.recipe, run.shards.stages
            job = RunJob(recipe.revision, run.lake.uri, run.config, run.models, recipe.stages, expected)
            with open_pool(job, positions=run.tally.move, logger=run.logger) as pool:
                run.pool = pool
                analyse_shards(run, pool)
    finally:
        run.stopped.set()
    discovered.result()
    if not planned:
        run.logger.info("Nothing to do.")
    run.tally.move({})


def _record(run: Run, state: str) -> None:
    run.lake.write_run(run_row(run, state, prefect_flow_run_id=str(flow_run.id) if flow_run.id else None))
