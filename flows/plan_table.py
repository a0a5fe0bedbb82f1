"""What a run will do as a table: in the terminal for `videolake run --dry-run`, and in Prefect."""

from collections.abc import Iterator, Mapping

from pipeline.language import format_duration
from pipeline.run import Estimate, PlanReport
from pipeline.view import counted, format_size
from schemas.stages import Stage

_MAX_REASONS = 5


def headline(plan: PlanReport) -> str:
    """Return a plan in one line."""
    return (
        f"{plan.files} files, {plan.read_files} new or changed; {plan.found} distinct videos: {plan.videos} to analyse,"
        f" {plan.done} done before, {plan.failed_before} failed before, {plan.postponed} postponed, "
        f"{plan.forgotten} forgotten"
    )


def plan_rows(plan: PlanReport) -> list[dict[str, str]]:
    """Return a plan as rows with the columns `what`, `amount` and `details`."""
    rows = [*_videos(plan), *_work(plan), *_cost(plan)]
    return [{"what": what, "amount": amount, "details": details} for what, amount, details in rows]


def _videos(plan: PlanReport) -> Iterator[tuple[str, str, str]]:
    read = f"{counted(plan.read_files, 'new or changed file')} read to identify the content"
    yield "archive", counted(plan.found, "video"), f"{counted(plan.files, 'file')}, {read}"
    changes = plan.changes
    for what, count, details in (
        ("new", changes.new, ""),
        ("changed", changes.changed, "other content, settings, models or subtitle files than before"),
        ("retried", changes.retried, "failed in an earlier run"),
        ("done", plan.done, "in the lake, unchanged"),
        ("failed before", plan.failed_before, "would fail again; --retry-failed tries them"),
        ("postponed", plan.postponed, "over limits.max_videos; left for a later run"),
        ("moved", plan.locations.moved, "at new locations"),
        ("missing", plan.locations.missing, "their last file is gone; they are kept"),
        ("returned", plan.locations.returned, "files that were missing and are back"),
        ("replaced", plan.locations.replaced, "files with other content than before; the old content is kept"),
        ("forgotten", plan.forgotten, "the lake was told to forget them"),
        (
            "unpublished",
            plan.unpublished,
            "analysed and not yet published, by a run that is in progress or was killed, perhaps of another archive",
        ),
    ):
        if count or what in {"new", "changed", "done"}:
            yield what, f"{count:,}", details if count else ""


def _work(plan: PlanReport) -> Iterator[tuple[str, str, str]]:
    if not plan.videos:
        return
    yield "to analyse", counted(plan.videos, "video"), format_size(plan.size_bytes)
    yield "length", format_duration(plan.total_s), _length_from(plan)
    for stage, videos in plan.stage_videos.items():
        if videos:
            yield stage, counted(videos, "video"), _why(plan, stage)


def _why(plan: PlanReport, stage: Stage) -> str:
    """Return the seconds of video of which a stage is made, and why it is redone."""
    reasons = [each for each in plan.redone if each.stage == stage]
    shown = [f"{each.reason} ({each.videos:,})" for each in reasons[:_MAX_REASONS]]
    if len(reasons) > _MAX_REASONS:
        shown.append(f"{len(reasons) - _MAX_REASONS} more reasons")
    return "; ".join([format_duration(plan.stage_video_s[stage]), *shown])


def _length_from(plan: PlanReport) -> str:
    rate = {
        "lake": "the bit rate of the lake's videos",
        "files": "the bit rate of the opened files",
        "typical": "4 Mbit/s, because the lake has no videos yet",
    }[plan.rate_of]
    sources = {
        "known from earlier runs": plan.total_s - plan.stated_s - plan.estimated_s,
        "stated by files that were opened now": plan.stated_s,
        f"estimated from file sizes, at {rate}": plan.estimated_s,
    }
    used = {source: seconds for source, seconds in sources.items() if round(seconds)}
    if not used:
        return f"estimated from file sizes, at {rate}" if plan.estimated_s else "not stated by the files"
    if len(used) == 1:
        return next(iter(used))
    return ", ".join(f"{format_duration(seconds)} {source}" for source, seconds in used.items())


def _cost(plan: PlanReport) -> Iterator[tuple[str, str, str]]:
    found = plan.estimate
    if found is None:
        if plan.videos:
            yield "cost", "unknown", "no estimate: the lake has no past run to go by"
        return
    runs = counted(found.runs, "past run")
    yield "compute", format_duration(found.total_s), by_stage(found.compute_s)
    yield "wall-clock", format_duration(found.wall_s), f"estimated from {runs}{_settings(found)}"
    yield "typical error", _factor(found.wall_error), _error(found)


def _settings(found: Estimate) -> str:
    every = "" if found.runs == 1 else "all "
    return "" if found.same_settings else f", {every}with other settings or models"


def _error(found: Estimate) -> str:
    if found.compute_error is None:
        return "there must be two past runs that can be compared"
    return f"of wall-clock; of compute: {_factor(found.compute_error)}. Each past run was estimated from the others"


def _factor(error: float | None) -> str:
    return "unknown" if error is None else f"factor {error:.2g}"


def by_stage(compute_s: Mapping[str, float]) -> str:
    """Return seconds of compute by stage as text, without those that cost nothing."""
    return ", ".join(f"{cost} {format_duration(seconds)}" for cost, seconds in compute_s.items() if round(seconds))
