"""Which workers suit a machine: few with many threads, or many with one. `workers/placement.py` has the defaults.

    python benchmarks/placement.py [--work FOLDER] [--seconds 240] [--cpus 1,2,4]

For each number of CPUs per worker, as many workers as fit this machine analyse the same mixed archive on a local Ray
cluster. It prints the time, and the peak memory of all workers together. Run it when nothing else runs.
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from throughput import analyse, make_archive

from pipeline.extras.sample.long import repeat_video


@dataclass(frozen=True, slots=True)
class Row:
    """One placement."""

    workers: int
    threads: int
    wall_s: float
    times_real_time: float
    memory_gb: float


def measured(archive: Path, cpus: int) -> Row:
    """Analyse the archive with workers of a number of CPUs each."""
    with tempfile.TemporaryDirectory() as lake:
        outcomes, wall_s = analyse(archive, f"{lake}/lake", "ray", [f"workers.num_cpus={cpus}"])
    peaks: dict[str, int] = {}
    for outcome in outcomes:
        peaks[outcome.worker] = max(peaks.get(outcome.worker, 0), outcome.peak_rss_bytes)
    video_s = sum(outcome.duration_s for outcome in outcomes)
    return Row(len(peaks), cpus, round(wall_s, 1), round(video_s / wall_s, 2), round(sum(peaks.values()) / 1e9, 2))


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
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/placement.json"))
    options = parser.parse_args()
    available = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as temporary:
        archive = short_archive(options.work or Path(temporary), options.seconds)
        chosen = [cpus for cpus in map(int, options.cpus.split(",")) if cpus <= available]
        rows = [measured(archive, cpus) for cpus in chosen]
    print(f"{'workers':>8} {'threads':>8} {'seconds':>9} {'x real time':>12} {'memory GB':>10}")
    for row in rows:
        print(f"{row.workers:>8} {row.threads:>8} {row.wall_s:>9} {row.times_real_time:>12} {row.memory_gb:>10}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
