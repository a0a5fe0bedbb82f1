"""The reports that runs have written to the lake, for browsers that cannot open its files."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from flows.web.rendering import render
from pipeline.view import LakeReader

_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""A report is one file with its style and images. It has no scripts, and none are allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """The reports of one lake.

    Attributes:
        reader: The lake.
    """

    reader: LakeReader

    async def listed(self, request: Request) -> Response:
        """List the reports, the newest first."""
        del request
        return await to_thread.run_sync(self._listed)

    async def report(self, request: Request) -> Response:
        """Show the report of a run."""
        return await to_thread.run_sync(self._report, request.path_params["run_id"])

    def _listed(self) -> Response:
        run_ids = self.reader.lake.reports()
        return render("reports.html", run_ids=run_ids, runs=self.reader.ask(partial(_runs, run_ids=run_ids)))

    def _report(self, run_id: str) -> Response:
        # Only listed reports are opened, so that no name leads elsewhere.
        if run_id not in self.reader.lake.reports():
            message = "The lake has no report of this run. It keeps the last 50 reports."
            return render("message.html", status=404, title="No such report", message=message)
        page = self.reader.lake.read_report(run_id)
        return HTMLResponse(page, headers={"content-security-policy": _POLICY, "cache-control": "private, no-cache"})


def _runs(connection: duckdb.DuckDBPyConnection, run_ids: list[str]) -> dict[str, Any]:
    found = connection.execute(
        "SELECT run_id, strftime(started_at, '%Y-%m-%d %H:%M UTC'), videos_ok, videos_failed FROM runs "
        "WHERE run_id IN (SELECT unnest($ids))",
        {"ids": run_ids},
    ).fetchall()
    return {run_id: rest for run_id, *rest in found}
