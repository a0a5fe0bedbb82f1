"""A real PostgreSQL server of its own, where PostgreSQL is installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_INSTALLED = [Path(found).parent for found in [shutil.which("initdb")] if found]
PROGRAMS = next(iter([*_INSTALLED, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]), None)
"""Folder of `initdb` and `postgres`; None without PostgreSQL. Distributions keep them out of the path."""


@contextmanager
def running_postgres(port: int) -> Iterator[str]:
    """Start an empty PostgreSQL server and yield its address for Prefect."""
    assert PROGRAMS is not None
    # Not below pytest's folder, which other users cannot enter: PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="videolake-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    data, options = folder / "data", f"-c port={port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    initialise = [PROGRAMS / "initdb", "-D", data, "-U", "prefect", "--auth=trust", "--no-sync"]
    control = [PROGRAMS / "pg_ctl", "-D", data, "-w"]
    try:
        subprocess.run(initialise, user=user, check=True, capture_output=True)
        subprocess.run(
            [*control, "-o", options, "-l", folder / "log", "start"], user=user, check=True, stdout=subprocess.DEVNULL
        )
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
        subprocess.run([*control, "-m", "immediate", "stop"], user=user, check=True, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
