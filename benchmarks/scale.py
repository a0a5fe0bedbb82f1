"""How Videolake scales: the pool of workers, planning and counting a million videos, requests to an object store.

    python benchmarks/scale.py [--only pool,plan,outcomes,requests] [--workers N] [--videos N] [--previous CHECKOUT]

Only the analysis is replaced, by sleeping for durations with the long tail of real archives. Ray (with as many logical
CPUs as workers), Prefect and the S3 server are real. `--previous` measures another checkout as well, such as that of
commit a85fa62, which ran one shard after another with new workers for each; its pool is measured on fewer videos,
because it takes so much longer, and its requests to open a lake follow from smaller lakes. Results are kept in
`benchmarks/results/scale.json`, measure by measure, each with the commit that was measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GOALS = {
    "pool_utilisation": (">=", 0.95), "plan_1m_videos_s": ("<=", 60.0), "driver_peak_gb_at_1m": ("<=", 4.0),
    "outcome_at_1m_ms": ("<=", 1.0), "requests_to_open_15000_shards": ("<=", 200),
    "requests_to_publish_a_video": ("<=", 4),
}  # fmt: skip
PREVIOUS_VIDEOS = 320


def measure(name: str, checkout: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    with tempfile.TemporaryDirectory() as work:
        environment = os.environ | {
            "PYTHONPATH": f"{checkout}{os.pathsep}{HERE.parent}", "PREFECT_HOME": f"{work}/prefect",
            "PREFECT_LOGGING_LEVEL": "WARNING", "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }  # fmt: skip
        command = [sys.executable, str(HERE / "scaling/measure.py"), name, json.dumps(options | {"work": work})]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def requests() -> dict[str, Any]:
    """Count the requests to an object store, with `benchmarks/lake_log.py`."""
    subprocess.run([sys.executable, "-m", "benchmarks.lake_log"], cwd=HERE.parent, check=True)
    found: dict[str, Any] = json.loads((HERE / "results/lake_log.json").read_text())
    return {name: figure for name, figure in found.items() if name in GOALS}


def commit_of(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def table(results: dict[str, dict[str, Any]]) -> str:
    """Return the figures of both versions next to each other."""
    lines = [f"{'':<34}{'goal':>10}{'now':>12}{'previous':>12}"]
    for key, (sign, goal) in GOALS.items():
        values = [str(results.get(version, {}).get(key, "–")) for version in ("now", "previous")]
        lines.append(f"{key:<34}{f'{sign} {goal:g}':>10}{values[0]:>12}{values[1]:>12}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="pool,plan,outcomes,requests")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--previous", type=Path, help="another checkout")
    parser.add_argument("--previous-videos", type=int, default=PREVIOUS_VIDEOS)
    parser.add_argument("--json", type=Path, default=HERE / "results/scale.json")
    chosen = parser.parse_args()
    results = json.loads(chosen.json.read_text()) if chosen.json.exists() else {}
    versions = {"now": HERE.parent} | ({"previous": chosen.previous} if chosen.previous else {})
    for version, checkout in versions.items():
        videos = chosen.videos if version == "now" else min(chosen.videos, chosen.previous_videos)
        options: dict[str, dict[str, Any]] = {
            "pool": {"workers": chosen.workers, "videos": videos},
            "plan": {"videos": 1_000_000},
            "outcomes": {"before": 1_000_000, "count": 1000 if version == "now" else 5},
            "requests": {"videos": 64, "shards": [20, 60]},
        }
        kept = results.setdefault(version, {})
        for name in chosen.only.split(","):
            kept.setdefault("commits", {})[name] = commit_of(checkout)
            own = name == "requests" and version == "now"
            kept |= requests() if own else measure(name, checkout.absolute(), options[name])
            chosen.json.parent.mkdir(parents=True, exist_ok=True)
            chosen.json.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
