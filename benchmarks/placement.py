"""Which workers suit a machine: few with many threads, or many with one. `workers/placement.py` has the defaults.

    python benchmarks/placement.py [--work FOLDER] [--seconds 240] [--cpus 1,2,4] [--rounds 3]

For each number of CPUs per worker, as many workers as fit this machine analyse the same archive on a local Ray cluster.
It prints the time from the first video to the last, and the peak memory of all workers together. The placements take
turns, and the figures are medians of all rounds, so that other work on the machine slows all of them. But on a machine
that others keep busy, more processes get a larger share of it: run this when nothing else runs.
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from statistics import median

from throughput import analyse, make_archive

from pipeline.extras.sample.long import repeat_video


@dataclass(frozen=True, slots=True)
class Row:
    """One placement."""

    workers: int
    threads: int
    seconds: float
    """Without the start of Ray and the loading of models, which a longer run hardly notices."""
    with_start_s: float
    times_real_time: float
    memory_gb: float


def measured(archive: Path, cpus: int) -> Row:
    """Analyse the archive with workers of a number of CPUs each."""
    with tempfile.TemporaryDirectory() as lake:
        outcomes, wall_s = analyse(archive, f"{lake}/lake", "ray", [f"workers.num_cpus={cpus}"])
    peaks, busy_s = dict[str, int](), dict[str, float]()
    for outcome in outcomes:
        peaks[outcome.worker] = max(peaks.get(outcome.worker, 0), outcome.peak_rss_bytes)
        busy_s[outcome.worker] = busy_s.get(outcome.worker, 0) + outcome.wall_s
    seconds, video_s = max(busy_s.values()), sum(outcome.duration_s for outcome in outcomes)
    return Row(len(peaks), cpus, seconds, wall_s, video_s / seconds, sum(peaks.values()) / 1e9)


def median_of(rows: list[Row]) -> Row:
    """Return the median of each figure."""
    figures = [round(median(each), 2) for each in list(zip(*map(astuple, rows), strict=True))[2:]]
    return Row(rows[0].workers, rows[0].threads, *figures)


def short_archive(work: Path, seconds: float) -> Path:
    """Return videos of equal length, two for each core, so that every placement has the same tail."""
    make_archive(work)
    archive = work / f"equal-{seconds:g}"
    archive.mkdir(exist_ok=True)
    count = 2 * (os.cpu_count() or 1)
    for number in range(count):
        target = archive / f"{number}.mp4"
        if not target.exists():
            repeat_video(work / "sample/reports/una_manana.mp4", target, seconds / count + number / 10)
    return archive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="keep the archive in this folder")
    parser.add_argument("--seconds", type=float, default=240.0, help="length of all videos together")
    parser.add_argument("--cpus", default="1,2,4", help="CPUs per worker to compare")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/placement.json"))
    options = parser.parse_args()
    available = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as temporary:
        archive = short_archive(options.work or Path(temporary), options.seconds)
        chosen = [cpus for cpus in map(int, options.cpus.split(",")) if cpus <= available]
        rounds = [[measured(archive, cpus) for cpus in chosen] for _ in range(options.rounds)]
    rows = [median_of(list(of_one)) for of_one in zip(*rounds, strict=True)]
    print(f"{'workers':>8} {'threads':>8} {'seconds':>9} {'with start':>11} {'x real time':>12} {'memory GB':>10}")
    for row in rows:
        print(
            f"{row.workers:>8} {row.threads:>8} {row.seconds:>9} {row.with_start_s:>11} {row.times_real_time:>12} "
            f"{row.memory_gb:>10}"
        )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    load = round(os.getloadavg()[2], 1)
    found = {"rounds": options.rounds, "cores": available, "load_average": load, "placements": list(map(asdict, rows))}
    options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
