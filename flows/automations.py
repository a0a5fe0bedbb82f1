"""The Prefect automations that belong to the flow: they end crashed runs, and send notifications."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from flows.ending import ERRORS, FINISHED
from flows.heartbeat import HEARTBEAT, HEARTBEAT_S
from flows.naming import FLOW
from schemas.errors import ConfigurationError

SILENCE_S = 3 * HEARTBEAT_S
"""Seconds without a heartbeat after which a run counts as crashed."""
START_S = 600.0
"""Seconds that a run may take from *Pending* to *Running*, such as to pull an image."""

_OF_THE_FLOW = {"prefect.resource.role": "flow", "prefect.resource.name": FLOW}
_RUNS = {"prefect.resource.id": "prefect.flow-run.*"}
_ANY = "prefect.flow-run.*"
"""Every heartbeat and every change of state, whatever the state's name."""
LINK = "{% if flow_run|ui_url %}\n\n{{ flow_run|ui_url }}{% endif %}"
"""A server without `PREFECT_UI_URL` does not know its own address."""
_AT_ONCE: dict[str, Any] = {"posture": Posture.Reactive, "threshold": 1, "within": timedelta(0)}
"""How a trigger fires at the first event."""
_NOTE = "Registered by Videolake, which restores its trigger and actions. Disable it rather than change it."


def register_automations(notify: str | None = None, *, silence_s: float = SILENCE_S) -> list[str]:
    """Create or restore the automations on the Prefect server. One that was disabled stays disabled.

    Args:
        notify: Block that sends notifications, as `type/name`, such as `slack-webhook/team`. If None, no automations
            that send notifications are created, and existing ones stay as they are.
        silence_s: Seconds without a heartbeat after which a run counts as crashed.

    Returns:
        The names of the automations.

    Raises:
        ConfigurationError: There is no such block, or it cannot send notifications.
    """
    with get_client(sync_client=True) as client:
        automations = [_crashed(silence_s), _never_started()]
        if notify is not None:
            block = _block(client, notify)
            automations += [_failed(block), _many_errors(block)]
        for automation in automations:
            _put(client, automation)
    return [automation.name for automation in automations]


def _crashed(silence_s: float) -> AutomationCore:
    return AutomationCore(
        name="Videolake: end crashed runs",
        description=f"Ends runs that have been silent for {silence_s:.0f} s, which frees their slot. {_NOTE}",
        trigger=_silence({HEARTBEAT, *_changes_to("Running", "Retrying", "Cancelling")}, silence_s),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No sign of life for {silence_s:.0f} s: its process or machine has died. "
                "What it published is kept, and the next run continues.",
            )
        ],
    )


def _never_started() -> AutomationCore:
    return AutomationCore(
        name="Videolake: end runs that never start",
        description=f"Ends runs that stay Pending for {START_S / 60:.0f} minutes. {_NOTE}",
        trigger=_silence(_changes_to("Pending", "Submitting", "InfrastructurePending"), START_S),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"Did not start within {START_S / 60:.0f} minutes: its process or machine has died.",
            )
        ],
    )


def _failed(block: UUID) -> AutomationCore:
    return AutomationCore(
        name="Videolake: notify of failed runs",
        description=f"Sends a notification when a run fails or crashes. {_NOTE}",
        trigger=EventTrigger(
            expect={_ANY},
            match=_RUNS | {"prefect.state-type": ["FAILED", "CRASHED"]},
            match_related=_OF_THE_FLOW,
            for_each={"prefect.resource.id"},
            **_AT_ONCE,
        ),
        actions=[
            _notification(
                block, "Videolake: {{ flow_run.name }}: {{ flow_run.state.name }}", "{{ flow_run.state.message }}"
            )
        ],
    )


def _many_errors(block: UUID) -> AutomationCore:
    return AutomationCore(
        name="Videolake: notify of many errors",
        description=f"Sends a notification when a run ends in which many videos failed. {_NOTE}",
        trigger=EventTrigger(expect={FINISHED}, match={ERRORS: "many"}, **_AT_ONCE),
        actions=[
            _notification(
                block,
                "Videolake: {{ flow_run.name }}",
                "Failed: {{ event.payload.failed }}, analysed: {{ event.payload.ok }}. "
                "The table `errors` says why.\nLake: {{ event.payload.lake }}",
            )
        ],
    )


def _notification(block: UUID, subject: str, body: str) -> SendNotification:
    return SendNotification(block_document_id=block, subject=subject, body=body + LINK)


def _changes_to(*states: str) -> set[str]:
    return {f"prefect.flow-run.{state}" for state in states}


def _silence(after: set[str], within_s: float) -> EventTrigger:
    """Return a trigger that fires for each run of which nothing more is heard after certain events."""
    return EventTrigger(
        after=after,
        expect={_ANY},
        match=_RUNS,
        match_related=_OF_THE_FLOW,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=within_s),
    )


def _put(client: SyncPrefectClient, automation: AutomationCore) -> None:
    """Create an automation, or restore the one with its name. Duplicates, made by two commands at once, are deleted."""
    found = client.read_automations_by_name(automation.name)
    if not found:
        client.create_automation(automation)
    for first in found[:1]:
        client.update_automation(first.id, automation.model_copy(update={"enabled": first.enabled}))
    for duplicate in found[1:]:
        client.delete_automation(duplicate.id)


def _block(client: SyncPrefectClient, notify: str) -> UUID:
    kind, _, name = notify.partition("/")
    how = "Create one in the Prefect UI under Blocks, and name it as type/name, such as slack-webhook/team."
    if not name:
        raise ConfigurationError(f"{notify!r} is not the name of a notification block. {how}")
    try:
        block = client.read_block_document_by_name(name, kind)
    except ObjectNotFound as error:
        raise ConfigurationError(f"There is no notification block {notify!r}. {how}") from error
    if block.block_schema is None or "notify" not in block.block_schema.capabilities:
        raise ConfigurationError(f"The block {notify!r} cannot send notifications. {how}")
    return block.id
