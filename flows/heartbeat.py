"""A sign of life of a run, so that an automation can end runs whose process or machine has died.

Prefect sends the same event by itself, but by default only every three minutes, and the setting for it would have to be
made on every machine that starts runs. A live run whose heart beats too slowly would be taken for a dead one.
"""

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

HEARTBEAT = "prefect.flow-run.heartbeat"
HEARTBEAT_S = 30.0
"""Seconds between two heartbeats."""


@contextmanager
def heartbeat() -> Iterator[None]:
    """Emit heartbeats of the current flow run, from a thread of its own."""
    ended = threading.Event()
    resource = {"prefect.resource.id": f"prefect.flow-run.{flow_run.id}", "prefect.resource.name": flow_run.name or ""}

    def beat() -> None:
        emit_event(HEARTBEAT, resource=resource)
        while not ended.wait(HEARTBEAT_S):
            emit_event(HEARTBEAT, resource=resource)

    # The context holds the address of the server, and the flow run, to which Prefect relates the event.
    threading.Thread(target=contextvars.copy_context().run, args=(beat,), name="heartbeat", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


@contextmanager
def only_our_heartbeat() -> Iterator[None]:
    """Let no flow send Prefect's own heartbeats for the duration of the block: it waits up to a second to stop them."""
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield
