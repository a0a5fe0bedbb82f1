"""How a run ends in Prefect: a state that says whether videos failed, and an event for automations."""

from typing import cast

from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.naming import lake_name
from schemas.config import ReportConfig
from schemas.outcome import RunResult

COMPLETED_WITH_ERRORS = "Completed with errors"
"""Name of the state of a run in which videos failed. Its type is COMPLETED, so Prefect does not run it again."""
FINISHED = "videolake.run.finished"
"""Event at the end of a run, with its counts. Automations see how many videos failed in the label `ERRORS`."""
ERRORS = "videolake.errors"
"""Label of the event: `none`, `some`, or `many` from `report.high_error_rate` on."""


def final_state(result: RunResult, config: ReportConfig) -> RunResult:
    """Emit the event, and return the state in which the run ends, as the flow's return value.

    Args:
        result: Becomes the result of the state.
        config: Says which share of failed videos is high.
    """
    _emit(result, config)
    name, message = "Completed", f"{result.ok:,} analysed, {result.done_before:,} already in the lake"
    if result.failed:
        name = COMPLETED_WITH_ERRORS
        message = (
            f"{result.failed:,} of {result.ok + result.failed:,} videos failed. "
            "The table `errors` and the artifacts say why."
        )
    state: State[RunResult] = Completed(name=name, message=message, data=result)
    return cast("RunResult", state)  # Prefect unpacks it, so callers get the result


def _emit(result: RunResult, config: ReportConfig) -> None:
    error_rate = result.failed / (result.ok + result.failed) if result.failed else 0.0
    errors = ("many" if error_rate >= config.high_error_rate else "some") if result.failed else "none"
    emit_event(
        FINISHED,
        resource={
            "prefect.resource.id": f"videolake.run.{result.run_id}",
            "prefect.resource.name": lake_name(result.lake),
            "videolake.lake": result.lake,
            ERRORS: errors,
        },
        related=[{"prefect.resource.id": f"prefect.flow-run.{flow_run.id}", "prefect.resource.role": "flow-run"}],
        payload=result.model_dump(mode="json", exclude={"outcomes"}) | {"error_rate": error_rate},
    )
