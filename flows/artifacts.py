"""Prefect artifacts of a run: its plan, a progress bar, a table of videos and errors, the result, and the report."""

import json
import logging
import shlex
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate

from flows.naming import artifact_key
from flows.plan_table import headline, plan_rows
from flows.progress import Snapshot
from pipeline.lake import Lake, file_name
from pipeline.language import format_time
from pipeline.run import PlanReport
from schemas.config import ReportConfig
from schemas.outcome import VideoOutcome

if TYPE_CHECKING:
    from pipeline.view import LakeReader

logger = logging.getLogger(__name__)

_INTERVAL_S = 5.0
_PLAN_INTERVAL_S = 30.0
_MAX_ROWS = 500
_MAX_SHOWN = 10


class ProgressArtifact:
    """A progress bar in the Prefect UI, updated no more than every five seconds to spare the server's database."""

    def __init__(self, lake: str) -> None:
        self._key = artifact_key("progress", lake)
        self._id: UUID | None = None
        self._updated_s = 0.0

    def create(self) -> None:
        """Create the bar at 0 %."""
        try:
            made = create_progress_artifact(progress=0.0, key=self._key, description="Videos analysed")
            self._id = made if isinstance(made, UUID) else None
        except Exception as error:  # noqa: BLE001 - the run continues without its progress bar
            logger.warning("The progress artifact could not be created: %s", error)

    def show(self, snapshot: Snapshot) -> None:
        """Update the bar, if it is time."""
        now_s = time.monotonic()
        if self._id is None or (now_s - self._updated_s < _INTERVAL_S and snapshot.share < 1):
            return
        self._updated_s = now_s
        description = (
            f"{snapshot.done} of {snapshot.videos} videos, {snapshot.failed} failed, "
            f"{format_time(snapshot.video_s)} of video at {snapshot.speed:.1f} x real time"
        )
        try:
            update_progress_artifact(self._id, progress=round(100 * snapshot.share, 1), description=description)
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("The progress artifact could not be updated: %s", error)


class PlanArtifact:
    """A table in the Prefect UI of what the run does, updated while the archive is listed, twice a minute at most."""

    def __init__(self, lake: str) -> None:
        self._key = artifact_key("plan", lake)
        self._id: UUID | None = None
        self._updated_s = 0.0

    def show(self, plan: PlanReport, *, complete: bool = False) -> None:
        """Create or update the table, if it is time.

        Args:
            plan: The plan as far as it is made.
            complete: Whether the whole archive is listed.
        """
        now_s = time.monotonic()
        if self._id is not None and now_s - self._updated_s < _PLAN_INTERVAL_S and not complete:
            return
        self._updated_s = now_s
        rows = plan_rows(plan)
        description = headline(plan) if complete else f"So far: {headline(plan)}"
        try:
            if self._id is None:
                made = create_table_artifact(table=rows, key=self._key, description=description)
                self._id = made if isinstance(made, UUID) else None
            else:
                with get_client(sync_client=True) as client:
                    client.update_artifact(self._id, ArtifactUpdate(data=json.dumps(rows), description=description))
        except Exception as error:  # noqa: BLE001 - the run continues without its plan
            logger.warning("The plan could not be shown in Prefect: %s", error)


def publish_report(lake: Lake, run_id: str, config: ReportConfig) -> None:
    """Write the report of a run into the lake and publish its location. A failure does not fail the run.

    A browser does not open links to local files from a web page. For a local lake, the artifact therefore contains the
    most important facts and says how to open the report.
    """
    if not config.enabled:
        return
    try:
        from flows.web import lake_report
        from pipeline.view import LakeReader

        reader = LakeReader(lake)
        link = lake.write_report(run_id, lake_report(reader, max_videos=config.max_videos))
        key = artifact_key("report", lake.uri)
        if link.startswith("file:"):
            markdown = report_markdown(reader, run_id, url2pathname(urlsplit(link).path))
            create_markdown_artifact(markdown=markdown, key=key, description="Report of the lake")
        else:
            create_link_artifact(link=link, link_text=link, key=key, description="Report of the lake")
    except Exception as error:  # noqa: BLE001 - the lake has all the data
        logger.warning("The report could not be written: %s", error)


def report_markdown(reader: "LakeReader", run_id: str, path: str) -> str:
    """Return the main facts of a lake's report as markdown, and how to open the whole report.

    Args:
        reader: The lake.
        run_id: The run that wrote the report.
        path: Local path of the report.

    Raises:
        LakeError: The lake cannot be read.
    """
    from flows.web import catalogue

    facets = reader.ask(catalogue.facets)
    newest, _ = reader.ask(partial(catalogue.cards, selection=catalogue.Selection()))
    failures = reader.ask(partial(catalogue.failures, page=1))
    lines = [
        f"# Lake: {facets.videos:,} videos, {format_time(facets.duration_s)} in total, {facets.failed:,} failed",
        "",
        *(f"- **{_cell(card.headline or card.name)}** ({format_time(card.duration_s)}, {_cell(card.name)})"
          for card in newest[:_MAX_SHOWN]),
    ]  # fmt: skip
    if failures:
        lines += ["", "## Errors", ""]
        lines += [f"- {_cell(card.name)}: {_cell(card.error_message)}" for card, _ in failures[:_MAX_SHOWN]]
    if max(facets.videos, facets.failed) > _MAX_SHOWN:
        lines += ["", f"These are the newest {_MAX_SHOWN}. The report has more."]
    lines += ["", "The report, with images, is this file:", "", "```", _code(path), "```"]
    command = _code(f"videolake browse --lake {shlex.quote(reader.lake.uri)}")
    lines += ["", f"You can also start the browser and open `/reports/{run_id}`:", "", "```", command, "```"]
    return "\n".join(lines)


def publish_result(lake: str, outcomes: Sequence[VideoOutcome], markdown: str) -> None:
    """Publish the table of videos and errors, and the result as markdown."""
    try:
        if outcomes:
            key = artifact_key("videos", lake)
            create_table_artifact(table=_rows(outcomes), key=key, description="Videos of this run")
        key = artifact_key("result", lake)
        create_markdown_artifact(markdown=markdown, key=key, description="Result of this run")
    except Exception as error:  # noqa: BLE001 - the lake has all the data
        logger.warning("The result could not be shown in Prefect: %s", error)


def result_markdown(
    counted: Snapshot, sample: Sequence[VideoOutcome], *, lake: str, found: int, notes: Sequence[str], wall_s: float
) -> str:
    """Return the result of a run as markdown. The notes say which files of the archive were left out."""
    ok = [outcome for outcome in sample if outcome.status == "ok"]
    failed = [outcome for outcome in sample if outcome.status == "failed"]
    length = format_time(counted.video_s)
    lines = [
        f"# {counted.ok} videos analysed, {counted.failed} failed, {counted.skipped} skipped",
        "",
        f"{length} of video in {format_time(wall_s)}; {found} videos in the archive. Lake: `{_code(lake)}`",
        *(line for note in notes for line in ("", _cell(note))),
    ]
    if ok:
        lines += [
            "",
            "| video | length | language | shots | words | headline |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| {_cell(file_name(each.uri))} | {format_time(each.duration_s)} | {each.language or '–'} | "
            f"{each.shots} | {each.words} | {_cell(each.headline)} |"
            for each in ok[:_MAX_SHOWN]
        ]
    if failed:
        lines += ["", "## Errors", ""]
        lines += [f"- **{each.error_kind}** {_cell(each.error_message)}" for each in failed[:_MAX_SHOWN]]
    if incomplete := [outcome for outcome in ok if outcome.stage_errors]:
        lines += ["", "## Incomplete", "", "A stage of these videos failed. The next run tries it again.", ""]
        lines += [f"- {_cell(file_name(each.uri))}: {_cell(_stages(each))}" for each in incomplete[:_MAX_SHOWN]]
    if max(counted.ok, counted.failed) > _MAX_SHOWN:
        lines += ["", "The table artifact has more, and the lake has all of them."]
    query = "SELECT uri, headline FROM videos JOIN summaries USING (video_id)"
    lines += ["", "```", f'videolake sql "{query}" --lake {_code(lake)}', "```"]
    return "\n".join(lines)


def _rows(outcomes: Sequence[VideoOutcome]) -> list[dict[str, Any]]:
    failed_first = sorted(outcomes, key=lambda outcome: (outcome.status != "failed", not outcome.stage_errors))
    return [
        {
            "video": file_name(each.uri),
            "status": each.status,
            "length": format_time(each.duration_s),
            "language": each.language or "",
            "shots": each.shots,
            "keyframes": each.frames,
            "words": each.words,
            "seconds": round(each.wall_s, 1),
            "headline": each.headline,
            "error": f"{each.error_kind}: {each.error_message}" if each.error_kind else _stages(each),
        }
        for each in failed_first[:_MAX_ROWS]
    ]


def _stages(outcome: VideoOutcome) -> str:
    """Return why stages failed, in words."""
    return "; ".join(f"{stage} failed: {message}" for stage, message in outcome.stage_errors.items())


def _cell(text: str) -> str:
    """Escape text so that it cannot break out of a markdown table or be read as markup."""
    plain = text.encode("utf-8", "replace").decode().replace("\n", " ")
    return "".join(f"\\{character}" if character in "\\|`*_[]<>#" else character for character in plain)


def _code(text: str) -> str:
    return text.replace("`", "'").encode("utf-8", "replace").decode()
