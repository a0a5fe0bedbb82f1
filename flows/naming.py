"""Names in Prefect: of a flow run, by what it does, and of the artifacts of a lake."""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Sequence

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.runtime import flow_run

from pipeline.lake import file_name
from pipeline.locations import local_path
from pipeline.run import Changes
from schemas.records import NO_CHANGES, LocationChanges

logger = logging.getLogger(__name__)

FLOW = "analyze-archive"
"""Name of the flow, by which deployments and automations refer to it."""


def lake_name(lake: str) -> str:
    """Return the last part of the location of a lake, in letters, digits, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", lake.rstrip("/").rsplit("/", 1)[-1]).strip("-") or "lake"


def artifact_key(kind: str, lake: str) -> str:
    """Return the key of an artifact, under which Prefect keeps its history. Each lake has its own, whatever its name.

    Args:
        kind: What the artifact shows, such as `result`.
        lake: Absolute location of the lake.
    """
    path = local_path(lake)
    place = os.path.realpath(path) if path else lake.rstrip("/")
    name = re.sub(r"[^a-z0-9]+", "-", lake_name(place).lower()).strip("-")[:40]
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    return "-".join(part for part in ("videolake", kind, name, digest) if part)


def starting_name() -> str:
    """Return the name of the current flow run until its plan is made, from its parameters."""
    archive: Sequence[str] = flow_run.parameters["archive"]
    first = file_name(archive[0].rstrip("/")) if archive else "nothing"
    more = f" and {len(archive) - 1} more" if len(archive) > 1 else ""
    return f"{lake_name(flow_run.parameters['lake'])}: listing {first}{more}"


def planned_name(lake: str, changes: Changes, locations: LocationChanges = NO_CHANGES) -> str:
    """Return the name of a flow run whose plan is made, such as `films: 120 new, 3 changed, 1 missing`."""
    counts = {"new": changes.new, "changed": changes.changed, "retried": changes.retried}
    counts |= {"moved": locations.moved, "missing": locations.missing, "returned": locations.returned}
    return (
        f"{lake_name(lake)}: {', '.join(f'{count:,} {what}' for what, count in counts.items() if count) or 'no change'}"
    )


def rename_run(name: str) -> None:
    """Rename the current flow run. A failure does not matter."""
    _rename(lambda _client: name)


def add_to_name(text: str) -> None:
    """Add to the name of the current flow run, such as `1 failed`. A failure does not matter."""
    _rename(lambda client: f"{client.read_flow_run(flow_run.id).name}, {text}")


def name_failed_run() -> None:
    """Name the current flow run `films: failed`, if it ends before its plan is made. A failure does not matter."""
    starting = starting_name()
    failed = f"{lake_name(flow_run.parameters['lake'])}: failed"

    def name(client: SyncPrefectClient) -> str:
        now = client.read_flow_run(flow_run.id).name
        return failed if now == starting else now

    _rename(name)


def _rename(name: Callable[[SyncPrefectClient], str]) -> None:
    try:
        with get_client(sync_client=True) as client:
            client.set_flow_run_name(flow_run.id, name(client))
    except Exception as error:  # noqa: BLE001 - the run continues under its old name
        logger.warning("The flow run could not be renamed: %s", error)
