"""Guards the cost of a run: fails if a second of video costs over 10 % more CPU time than the committed figure.

    python -m benchmarks.guard [--update] [--rounds 3] [--seconds 150] [--work FOLDER]

CPU time depends on the machine, so it is divided by that of a yardstick which none of our code is part of: the same
convolutions, matrix products and decoding of H.264 each time. The two alternate. Run it before a change that might cost
time and again after it, and with `--update` when a higher cost is worth it; say why in the commit. It takes a few
minutes, in which the machine should have nothing else to do.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.peers_loops.material import peer_archive
from benchmarks.peers_loops.measuring import measure

ALLOWED_GROWTH = 0.10
YARDSTICK = """
import sys, av, numpy as np, torch
torch.set_num_threads(1)
torch.manual_seed(0)
weight, image = torch.randn(128, 64, 3, 3), torch.randn(8, 64, 56, 96)
left, right = torch.randn(1024, 1024), torch.randn(1024, 1024)
with torch.inference_mode():
    for _ in range(60):
        torch.nn.functional.conv2d(image, weight, padding=1)
        left @ right
for _ in range(3):
    with av.open(sys.argv[1]) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            frame.reformat(width=144, height=81, format="rgb24")
"""


def main() -> None:
    options = _options()
    if not options.update and not options.json.exists():
        sys.exit(f"{options.json} is missing. Run this with --update on the version to compare with.")
    archive, video_s = peer_archive(options.work.resolve() / "archive", options.seconds)
    decoded = max(archive.glob("*.mp4"), key=lambda path: path.stat().st_size)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    ratios, per_second = [], []
    for number in range(options.rounds):
        lake = options.work.resolve() / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        run = [sys.executable, "-m", "flows.cli", "run", str(archive), "--lake", str(lake), "--engine", "inline"]
        yardstick = [sys.executable, "-c", YARDSTICK, str(decoded)]
        cost_s = _cpu_s(run, options.work / "run.log", environment)
        unit_s = _cpu_s(yardstick, options.work / "yardstick.log", environment)
        ratios.append(cost_s / video_s / unit_s)
        per_second.append(cost_s / video_s)
        print(f"round {number + 1}: {per_second[-1]:.3f} CPU s per s of video, {ratios[-1]:.4f} yardsticks", flush=True)
    found = {
        "yardsticks_per_video_s": round(median(ratios), 5),
        "cpu_s_per_video_s": round(median(per_second), 3),
        "video_s": round(video_s, 1),
    }
    if options.update:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        print(f"{options.json} now holds {found['yardsticks_per_video_s']}.")
        return
    sys.exit(verdict(found, json.loads(options.json.read_text("utf-8"))))


def verdict(found: dict[str, float], committed: dict[str, float]) -> str | None:
    """Return what to say if the cost has grown too much, or was measured on another archive; None if all is well."""
    if abs(found["video_s"] - committed["video_s"]) > 1:
        return f"The committed figure is for {committed['video_s']} s of video; use the same --seconds."
    growth = found["yardsticks_per_video_s"] / committed["yardsticks_per_video_s"] - 1
    print(f"{growth:+.1%} against the committed figure")
    if growth <= ALLOWED_GROWTH:
        return None
    return f"A second of video costs {growth:.0%} more CPU time than committed; {ALLOWED_GROWTH:.0%} is allowed."


def _cpu_s(command: Sequence[str], log: Path, environment: dict[str, str]) -> float:
    return measure(command, log, environment).cpu_s


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/peers"), help="keep the archive here")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=150.0, help="length of the archive, about")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/guard.json"))
    parser.add_argument("--update", action="store_true", help="write the figure instead of comparing it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
