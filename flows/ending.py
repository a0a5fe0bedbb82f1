"""How a run ends in Prefect: its name and state say whether videos failed, and an event tells automations."""

from typing import cast

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.naming import add_to_name, lake_name, name_failed_run
from schemas.config import ReportConfig
from schemas.errors import VideolakeError
from schemas.outcome import RunResult

FINISHED = "videolake.run.finished"
"""Event at the end of a run, with its counts. Automations see how many videos failed in the label `ERRORS`."""
ERRORS = "videolake.errors"
"""Label of the event: `none`, `some`, or `many` from `report.high_error_rate` on."""


def final_state(result: RunResult, config: ReportConfig) -> RunResult:
    """Emit the event, and return the state in which the run ends, as the flow's return value.

    The state is called *Completed* even if videos failed: Prefect's pages hide states with names of our own.

    Args:
        result: Becomes the result of the state.
        config: Says which share of failed videos is high.
    """
    message = f"{result.ok:,} analysed, {result.done_before:,} already in the lake"
    if result.incomplete:
        message = f"{message}. {result.incomplete:,} of them lack a stage that failed"
    if result.failed:
        add_to_name(f"{result.failed:,} failed")
        message = f"{result.failed:,} failed, {message}. The table `errors` and the artifacts say why."
    _emit(result, config)
    state: State[RunResult] = Completed(message=message, data=result)
    return cast("RunResult", state)  # Prefect unpacks it, so callers get the result


def failed_state(error: VideolakeError) -> RunResult:
    """Return the state of a run that ends with an expected error: its message says it all, so no traceback is logged.

    Args:
        error: Raised to whoever called the flow.
    """
    get_run_logger().error("%s", error)
    name_failed_run()
    state: State[RunResult] = Failed(message=str(error), data=error)
    return cast("RunResult", state)  # Prefect unpacks it, so callers get the error


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
        payload=result.model_dump(mode="json", exclude={"outcomes", "skipped_extensions", "empty_folders"})
        | {"error_rate": error_rate},
    )
