"""How fast each model is on the worker's device, in times real time, and how busy the device is meanwhile.

    python benchmarks/gpu.py FILM [--seconds 60] [--min-s 5] [--device auto] [--threads N] [--json FILE]

FILM needs speech. Its first `--seconds` are decoded once. Then each model gets what it would see of them: the shot
network every frame, the vision model and the text reader one frame a second, speech recognition and the speaker encoder
the audio, the text encoder one sentence per 5 seconds. Each is repeated for at least `--min-s` seconds. Utilisation of
a GPU is what `nvidia-smi` reports, that of a CPU is processor time over wall time of the given threads.
"""

import argparse
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.analysis.speakers import VoiceSession
from pipeline.analysis.video import load_models
from pipeline.analysis.video.models import Models
from pipeline.models import choose_device
from schemas.config import Config
from schemas.media import AudioBlock, FrameBatch, SampledFrame
from schemas.records import TextLine

_SENTENCE = "The committee met on Tuesday to discuss the budget for the new bridge across the river."


@dataclass(frozen=True)
class Row:
    """Results of one model."""

    role: str
    runs_on: str
    realtime: float
    """Seconds of video per second."""
    utilisation: float | None
    """0 to 1; None if `nvidia-smi` does not tell."""


@dataclass(frozen=True)
class Material:
    """The start of a film, as the models see it."""

    seconds: float
    tiny: NDArray[np.uint8]
    """(n, 27, 48, 3)"""
    frames: list[NDArray[np.uint8]]
    audio: list[AudioBlock]


def material_of(film: Path, seconds: float, config: Config) -> Material:
    """Decode the start of a film."""
    import cv2

    info = probe(str(film), config.media, config.limits)
    tiny: list[NDArray[np.uint8]] = []
    frames: list[NDArray[np.uint8]] = []
    audio: list[AudioBlock] = []
    sampled = iter(np.arange(0.0, seconds + 1))
    due = next(sampled)

    def wanted(time_s: float, _small: NDArray[np.uint8]) -> bool:
        nonlocal due
        if time_s < due:
            return False
        due = next(sampled, np.inf)
        return True

    position_s = 0.0
    for item in decode(
        str(film), info, config.media, config.limits, wanted=wanted, threads=os.cpu_count() or 1, stats=DecodeStats()
    ):
        if isinstance(item, FrameBatch):
            tiny += [cv2.resize(each, (48, 27), interpolation=cv2.INTER_AREA) for each in item.small]
            position_s = float(item.times_s[-1])
        elif isinstance(item, SampledFrame):
            frames.append(item.image)
        elif isinstance(item, AudioBlock) and info.audio and item.stream == info.audio.index:
            audio.append(item)
        if position_s >= seconds:
            break
    return Material(max(position_s, 1.0), np.stack(tiny), frames, audio)


def work_of(models: Models, material: Material, config: Config) -> dict[str, tuple[str, Callable[[], object]]]:
    """Return where each model runs, and what processes the material with it."""
    texts = [_SENTENCE] * max(1, int(material.seconds / 5))
    work: dict[str, tuple[str, Callable[[], object]]] = {
        "vision": (models.vision.runs_on, lambda: models.vision.encode(material.frames)),
        "text": (models.text.runs_on, lambda: models.text.encode(texts)),
    }
    if models.shots:
        work["shots"] = models.shots.runs_on, lambda: models.shots.predict(material.tiny)
    if models.ocr:
        work["ocr"] = models.ocr.runs_on, lambda: [models.ocr.read(frame) for frame in material.frames]
    if models.objects:
        unread: list[tuple[TextLine, ...]] = [()] * len(material.frames)
        work["objects"] = models.objects.runs_on, lambda: models.objects.detect(material.frames, unread)
    if models.speech and material.audio:
        work["speech"] = "; ".join(models.speech.runs_on.values()), lambda: hear(models, material)
    if models.speakers and material.audio:
        samples = np.concatenate([block.samples for block in material.audio])
        work["speakers"] = models.speakers.runs_on, lambda: voices(models, samples, config)
    return work


def hear(models: Models, material: Material) -> None:
    """Transcribe the audio."""
    session = models.speech.session()
    for block in material.audio:
        session.add(block)
    session.finish()


def voices(models: Models, samples: NDArray[np.float32], config: Config) -> None:
    """Encode the voices, as if somebody spoke all the time."""
    session = VoiceSession(models.speakers, config.speakers)
    session.add(0.0, samples)
    session.windows()


def measure(
    work: Callable[[], object], seconds: float, *, min_s: float, device: str, threads: int
) -> tuple[float, float | None]:
    """Return times real time, and the utilisation of the device."""
    work()  # warm up
    monitor = _monitor() if device == "cuda" else None
    started, processed, runs = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < min_s:
        work()
        runs += 1
    if device == "cuda":
        torch.cuda.synchronize()
    wall_s = time.perf_counter() - started
    if device != "cuda":
        return runs * seconds / wall_s, min(1.0, (time.process_time() - processed) / wall_s / threads)
    return runs * seconds / wall_s, _reading(monitor)


def _monitor() -> subprocess.Popen[str] | None:
    if not shutil.which("nvidia-smi"):
        return None
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    return subprocess.Popen([*query, "-i", gpu], stdout=subprocess.PIPE, text=True)


def _reading(monitor: subprocess.Popen[str] | None) -> float | None:
    if monitor is None:
        return None
    monitor.terminate()
    values = [float(line) for line in monitor.communicate()[0].split() if line.strip().isdigit()]
    return float(np.mean(values)) / 100 if values else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--min-s", type=float, default=5.0)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    config, device = Config(), choose_device(arguments.device)
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {arguments.threads} threads"
    print(f"{name}{'' if device == 'cuda' else '. There is no GPU, so this says nothing about one.'}")
    models = load_models(config, device=device, threads=arguments.threads)
    material = material_of(arguments.film, arguments.seconds, config)
    rows = []
    for role, (place, work) in work_of(models, material, config).items():
        realtime, busy = measure(
            work, material.seconds, min_s=arguments.min_s, device=device, threads=arguments.threads
        )
        rows.append(Row(role, place, realtime, busy))
        print(f"{role:9} {realtime:8.1f} x  {'-' if busy is None else f'{busy:.0%}':>5}  {place}", flush=True)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({"device": name, "rows": [asdict(row) for row in rows]}, indent=2))


if __name__ == "__main__":
    main()
