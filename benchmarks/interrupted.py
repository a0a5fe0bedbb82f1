"""What remains of a run that is cancelled in Prefect, or killed with its lake on an object store.

    python -m benchmarks.interrupted [--only cancel,kill]

Everything is real: a Prefect server with a deployment that `videolake serve` runs, `videolake run` as a process, Ray,
an S3 server (moto) and the analysis of short videos. Prints what was found and what it should be, and exits with 1 if
they differ. It takes about two minutes each on two idle cores; the kill waits 90 s for the lease of the killed run.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from pipeline.lake import Lake
from schemas.errors import LakeError
from tests import material
from tests.flows.conftest import running_server, wait_for, without_prefect
from tests.s3 import S3Server, environment
from tests.workers.archives import make_archive

SETTINGS = {
    "speech.engine": "none", "ocr.engine": "none", "shots.detector": "content", "shards.max_videos": 2,
    "workers.num_cpus": 1,
}  # fmt: skip
SHORT = 6
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_SETTLED_S = 10.0

Finding = tuple[str, object, object]
"""What was looked at, what it is, and what it should be."""


def make_long_archive(folder: Path) -> Path:
    """Write short videos, and one that is still being analysed when the others are published."""
    make_archive(folder, films=3)
    for number in range(SHORT - 3):
        material.shots_video(folder / f"short {number}.mp4", [0.5 + 0.2 * number], size=(160, 90))
    material.shots_video(folder / "long.mp4", [14.0 + 0.01 * number for number in range(60)], size=(160, 90))
    return folder


def command(name: str, archive: Path, lake: str, *more: str) -> list[str]:
    given = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    return [sys.executable, "-m", "flows.cli", name, str(archive), "--lake", lake, "--engine", "ray", *given, *more]


def published(lake: str) -> int:
    try:
        return int(Lake(lake).sql("SELECT count(*) FROM videos").column(0)[0].as_py())
    except LakeError:
        return 0


@contextmanager
def started(arguments: list[str], variables: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with its children in a group of their own, of which nothing is left after the block."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            arguments, env=variables, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def of_ray(temporary: Path) -> list[str]:
    """Return the processes of Ray that have their files in a folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line[:80] for line in listed.splitlines() if str(temporary) in line and "ray" in line.split()[0]]


def cancel(work: Path) -> Iterator[Finding]:
    """Cancel a run of a served deployment, as the button in the UI does, and start another one."""
    archive, lake = make_long_archive(work / "archive"), str(work / "films")
    ray = work / "r"
    with (
        running_server(work / "prefect") as server,
        started(command("serve", archive, lake), server | {"RAY_TMPDIR": str(ray)}, work / "serve.log"),
        httpx.Client(base_url=server["PREFECT_API_URL"], timeout=60) as api,
    ):

        def ask(path: str, body: Any = None) -> Any:
            reply = api.get(path) if body is None else api.post(path, json=body)
            return reply.raise_for_status().json()

        def ended(run: str) -> Any:
            found = ask(f"/flow_runs/{run}")
            return found if found["state_type"] in _ENDED else None

        deployment = wait_for(lambda: ask("/deployments/name/analyze-archive/films"))
        start = f"/deployments/{deployment['id']}/create_flow_run"
        run = ask(start, {})["id"]
        wait_for(lambda: published(lake) >= 2)
        before = published(lake)
        subprocess.run(
            [sys.executable, "-m", "prefect", "flow-run", "cancel", run], env=server, check=True, capture_output=True
        )
        wait_for(lambda: ended(run))
        time.sleep(_SETTLED_S)
        yield "state of the cancelled run", ask(f"/flow_runs/{run}")["state_name"], "Cancelled"
        tasks = ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        states = Counter(each["state_name"] for each in tasks)
        yield "its task runs that have not ended", states["Running"] + states["Pending"], 0
        slots = ask(f"/v2/concurrency_limits/{deployment['global_concurrency_limit']['id']}")["active_slots"]
        yield "slots that it holds", slots, 0
        yield "processes of Ray that are left", of_ray(ray), []
        yield "published videos are kept", published(lake) >= before, True
        yield "the long one is not published", published(lake) <= SHORT, True
        yield "the run in the lake", Lake(lake).sql("SELECT state FROM runs").column(0).to_pylist(), ["stopped"]
        again = ask(start, {})["id"]
        after = wait_for(lambda: ended(again))
        yield "state of the next run", after["state_name"], "Completed"
        yield "videos in the end", published(lake), SHORT + 1
        yield "failures", Lake(lake).sql("SELECT count(*) FROM errors").column(0)[0].as_py(), 0


def kill(work: Path) -> Iterator[Finding]:
    """Kill a whole run with SIGKILL, and run the same command again at once."""
    archive, lake, ray = make_long_archive(work / "archive"), "s3://bucket/films", work / "r"
    with S3Server() as s3:
        s3.create_bucket("bucket")
        os.environ.update(environment(s3.endpoint))
        variables = without_prefect() | {"RAY_TMPDIR": str(ray), "PREFECT_HOME": str(work / "prefect")}
        with started(command("run", archive, lake), variables, work / "run.log") as process:
            wait_for(lambda: published(lake) >= 2 or process.poll() is not None)
            before = published(lake)
            process.kill()
        time.sleep(_SETTLED_S)
        yield "exit status of the killed run", process.returncode, -signal.SIGKILL
        yield "processes of Ray that are left", of_ray(ray), []
        yield "published videos are kept", published(lake) >= before >= 2, True
        again = subprocess.run(
            command("run", archive, lake), env=variables, capture_output=True, text=True, check=False
        )
        yield "exit status of the next run", again.returncode, 0
        yield "it says whom it waits for", "Waiting up to 90 s to see whether it is alive" in again.stderr, True
        yield "videos in the end", published(lake), SHORT + 1
        rows = Lake(lake).sql("SELECT count(*), count(DISTINCT video_id) FROM all_videos")
        yield "rows and distinct videos, of all revisions", [each[0].as_py() for each in rows.columns], [SHORT + 1] * 2
        yield "failures", Lake(lake).sql("SELECT count(*) FROM errors").column(0)[0].as_py(), 0
        yield "objects that are left in staging", Lake(lake).unpublished(), 0


def main() -> None:
    """Interrupt, look and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="cancel,kill")
    parser.add_argument("--work", type=Path, help="keep logs and lakes in this folder")
    chosen = parser.parse_args()
    wrong = 0
    with TemporaryDirectory(prefix="vl-", dir="/tmp") as temporary:  # sockets of Ray need a short path
        for name in chosen.only.split(","):
            work = (chosen.work or Path(temporary)) / name
            work.mkdir(parents=True)
            for what, found, expected in {"cancel": cancel, "kill": kill}[name](work):
                wrong += found != expected
                mark = "ok" if found == expected else f"SHOULD BE {json.dumps(expected)}"
                print(f"{name:<8}{what:<44}{found!s:<24}{mark}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
