"""Videolake against the loops that others would write: same archive, same weights, same outputs, in one run.

    python -m benchmarks.peers [--work FOLDER] [--rounds 2] [--seconds 957] [--only NAME ...]

naive_loop: openai-whisper and every model on one item at a time. skilled_loop: batched faster-whisper, and batches
everywhere. ray_data and daft: the same steps as their documentation shows. videolake and videolake_inline:
`videolake run`, which also finds transitions with TransNetV2, speakers, sounds, objects, names, scenes, topics and
summaries. All get all threads of the machine; the rounds alternate. It needs a machine on which nothing else runs, and
the packages of `peers-requirements.txt`, which says how to install them.
"""

import argparse
import json
import os
import shutil
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers_loops.agreement import agreement
from benchmarks.peers_loops.material import peer_archive, peer_weights
from benchmarks.peers_loops.measuring import Cost, measure

LOOPS = {"naive_loop": "naive", "skilled_loop": "skilled", "ray_data": "ray_data", "daft": "daft_udfs"}
OURS = {"videolake": ("--engine", "ray"), "videolake_inline": ("--engine", "inline")}


def command(name: str, archive: Path, out: Path, weights: Path, threads: int) -> list[str]:
    """Return the program that analyses the archive into a folder."""
    if name in LOOPS:
        module = f"benchmarks.peers_loops.{LOOPS[name]}"
        return [sys.executable, "-m", module, str(archive), str(out), str(weights), str(threads)]
    engine = list(OURS[name])
    threads_of_ours = ["--set", f"workers.threads={threads}"] if name == "videolake_inline" else []
    return [sys.executable, "-m", "flows.cli", "run", str(archive), "--lake", str(out), *engine, *threads_of_ours]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/peers"), help="keep archive and outputs")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=957.0, help="length of the archive, about")
    parser.add_argument("--only", nargs="+", choices=[*LOOPS, *OURS], default=[*LOOPS, *OURS], metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/peers.json"))
    options = parser.parse_args()
    threads = os.cpu_count() or 1
    archive, video_s = peer_archive(options.work / "archive", options.seconds)
    weights = peer_weights(options.work / "weights")
    packages = options.work.resolve() / "packages"
    if not packages.is_dir():
        raise SystemExit(f"{packages} is missing: benchmarks/peers-requirements.txt says how to make it.")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(packages)])}
    costs: defaultdict[str, list[Cost]] = defaultdict(list)
    for number in range(options.rounds):
        # Every other round runs backwards, so that a machine that gets slower is slower for all.
        for name in options.only if number % 2 == 0 else reversed(options.only):
            out = options.work / "out" / name
            shutil.rmtree(out, ignore_errors=True)
            out.parent.mkdir(parents=True, exist_ok=True)
            log = options.work / f"{name}.log"
            costs[name].append(measure(command(name, archive, out, weights, threads), log, environment))
            print(f"round {number + 1}: {name:<17} {asdict(costs[name][-1])}", flush=True)
            # After each program, as all of them together take long.
            found = summary(costs, video_s)
            found["agreement"] = {each: agreement(options.work / "out" / each, options.work / "out") for each in costs}
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(table(found))


def summary(costs: dict[str, list[Cost]], video_s: float) -> dict[str, Any]:
    """Return medians over the rounds, and how many times as fast as each loop we are."""
    loops = {
        name: {
            "wall_s": median(cost.wall_s for cost in each),
            "cpu_s": median(cost.cpu_s for cost in each),
            "cpu_s_per_video_s": round(median(cost.cpu_s for cost in each) / video_s, 3),
            "peak_gb": round(max(cost.peak_bytes for cost in each) / 1e9, 2),
            "rounds": [asdict(cost) for cost in each],
        }
        for name, each in costs.items()
    }
    found: dict[str, Any] = {"video_s": round(video_s, 1), "cpus": os.cpu_count(), "loops": loops}
    if "videolake" in loops:
        ours = loops["videolake"]["wall_s"]
        found["times_faster_than"] = {name: round(loops[name]["wall_s"] / ours, 2) for name in LOOPS if name in loops}
    return found


def table(found: dict[str, Any]) -> str:
    """Return the results for people."""
    ours = found["loops"].get("videolake", {}).get("wall_s")
    lines = [
        f"{found['video_s']:.0f} s of video, {found['cpus']} CPUs",
        f"{'':<17}{'seconds':>9}{'x real time':>13}{'CPU s per s':>13}{'peak GB':>9}{'of ours':>9}  agreement",
    ]
    for name, loop in found["loops"].items():
        ratio = f"{loop['wall_s'] / ours:.2f}" if ours else ""
        agreed = ", ".join(f"{key} {value}" for key, value in found["agreement"][name].items())
        lines.append(
            f"{name:<17}{loop['wall_s']:>9.1f}{found['video_s'] / loop['wall_s']:>13.1f}"
            f"{loop['cpu_s_per_video_s']:>13.3f}{loop['peak_gb']:>9.2f}{ratio:>9}  {agreed}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
