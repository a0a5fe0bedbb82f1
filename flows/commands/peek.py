"""See in a moment, without Prefect, Ray or a model, that there is nothing to do, or that a run cannot start."""

from pipeline.lake import Lake
from pipeline.run import list_archive, make_plan, models_of, revision_of
from schemas.config import Config
from schemas.errors import LakeError
from schemas.records import VideoTask


def nothing_to_do(archive: list[str], lake: str, config: Config) -> str | None:
    """Return what to say where every file is known, unchanged and done; None where a run has work to do.

    Reads no file: only names, sizes and times are compared with what the lake knows.

    Raises:
        ArchiveError: A part of the archive is not there.
        ModelError: A model cannot be found.
        ConfigurationError: The taxonomy cannot be read.
    """
    for root in archive:
        next(list_archive([root], config.archive), None)
    models = models_of(config)
    try:
        opened = Lake(lake)
    except LakeError:
        return None  # there is none yet
    known = {
        (row["uri"], row["size_bytes"], row["mtime_ns"]): row["video_id"] for row in opened.known_sources().to_pylist()
    }
    video_ids: dict[str, VideoTask] = {}
    for item in list_archive(archive, config.archive):
        video_id = known.get((item.uri, item.size_bytes, item.mtime_ns)) if item.mtime_ns else None
        if video_id is None:
            return None
        video_ids.setdefault(video_id, VideoTask(video_id, (item.uri,), item.size_bytes, item.mtime_ns))
    revision = revision_of(config, models)
    plan = make_plan(list(video_ids.values()), opened.processed(revision), revision, config)
    if plan.videos or not video_ids:
        return None
    failed = f" {plan.failed_before} failed before and would again; --retry-failed tries them all the same."
    return (
        f"Nothing to do: {plan.done} videos are in the lake, unchanged.{failed if plan.failed_before else ''}\n"
        f"Lake: {opened.uri}"
    )
