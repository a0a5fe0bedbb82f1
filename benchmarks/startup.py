"""What it costs to start: wall time, CPU time of all processes and peak memory of short commands, against their goals.

    python -m benchmarks.startup [--work FOLDER] [--rounds 3] [--only NAME ...]

Cold is the first run after the files of the installed packages were dropped from the page cache, as far as no other
process maps them; warm is the median of the others. The goals are wall times on two quiet cores, so measure where
nothing else runs; CPU time also says something on a busy machine.
"""

import argparse
import json
import os
import shutil
import sys
import sysconfig
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.peers_loops.measuring import Cost, measure

GOALS_S: dict[str, float | None] = {
    "help": 0.4,
    "run_help": 0.4,
    "search": 3.0,
    "run": 12.0,
    "run_inline": 12.0,
    "nothing_to_do": None,
    "demo": 35.0,
}
"""Wall time of each command; None where nobody has set one."""
_CLIP = "clips/bicycles.mp4"


def command(name: str, work: Path) -> list[str]:
    """Return the command to measure."""
    archive, lake = work / "archive", work / name
    arguments: dict[str, list[str]] = {
        "help": ["--help"],
        "run_help": ["run", "--help"],
        "search": ["search", "a person on a bicycle", "--lake", str(work / "kept")],
        "run": ["run", str(archive / _CLIP), "--lake", str(lake)],
        "run_inline": ["run", str(archive / _CLIP), "--lake", str(lake), "--engine", "inline"],
        "nothing_to_do": ["run", str(archive / _CLIP), "--lake", str(work / "kept")],
        "demo": ["run", str(archive), "--lake", str(lake)],
    }
    return [sys.executable, "-m", "flows.cli", *arguments[name]]


def drop_from_cache(folder: Path) -> None:
    """Let the operating system forget the content of files, so that the next process reads them from disk."""
    for file in folder.rglob("*"):
        if file.suffix in {".py", ".pyc", ".so", ".bin", ".onnx", ".pb", ".pth", ".pt", ".safetensors", ".toml"}:
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/startup"), help="keep archive and lakes")
    parser.add_argument("--rounds", type=int, default=3, help="the first is cold")
    parser.add_argument("--only", nargs="+", choices=GOALS_S, default=list(GOALS_S), metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/startup.json"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    log = options.work / "log"
    if not (options.work / "archive" / _CLIP).exists():
        measure([sys.executable, "-m", "flows.cli", "sample", str(options.work / "archive")], log, environment)
    shutil.rmtree(options.work / "kept", ignore_errors=True)
    kept = [*command("run_inline", options.work)[:-3], str(options.work / "kept"), "--engine", "inline"]
    measure(kept, log, environment)
    costs: dict[str, list[Cost]] = {name: [] for name in options.only}
    for number in range(options.rounds):
        for name in options.only:
            shutil.rmtree(options.work / name, ignore_errors=True)
            if number == 0:
                drop_from_cache(Path(sysconfig.get_path("purelib")))
            costs[name].append(measure(command(name, options.work), log, environment))
            print(f"round {number + 1}: {name:<14} {asdict(costs[name][-1])}", flush=True)
    print(table(costs))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    found = {name: {"goal_s": GOALS_S[name], "rounds": [asdict(each) for each in costs[name]]} for name in costs}
    options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def table(costs: dict[str, list[Cost]]) -> str:
    """Return the costs for people. Without a second round, warm is as cold."""
    lines = [
        f"{os.cpu_count()} CPUs",
        f"{'':<14}{'goal s':>8}{'cold s':>8}{'warm s':>8}{'cold CPU s':>12}{'warm CPU s':>12}{'peak MB':>9}",
    ]
    for name, rounds in costs.items():
        cold, warm = rounds[0], rounds[1:] or rounds
        goal = GOALS_S[name]
        lines.append(
            f"{name:<14}{'–' if goal is None else f'{goal:g}':>8}{cold.wall_s:>8.1f}"
            f"{median(each.wall_s for each in warm):>8.1f}{cold.cpu_s:>12.1f}"
            f"{median(each.cpu_s for each in warm):>12.1f}{max(each.peak_bytes for each in rounds) / 1e6:>9.0f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
