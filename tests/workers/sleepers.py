"""Replacements of `VideoWorker` that sleep instead of analysing: the only thing that pool tests do not do for real."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from schemas.errors import DeviceError, LakeError
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from workers.job import RunJob, ShardJob
from workers.positions import Position


class Sleeper:
    """Sleeps for the size of a video in milliseconds, and reports where it ran."""

    def __init__(self, threads: int, position: Position = lambda _id, _s: None) -> None:
        import ray

        self._position = position
        self._begun = set[str]()
        context = ray.get_runtime_context()
        self._facts = {
            "node": context.get_node_id(),
            "resources": {name: context.get_assigned_resources().get(name, 0) for name in ("CPU", "GPU")},
            "threads": threads,
        }

    def work(self, task: VideoTask, job: ShardJob) -> VideoOutcome:
        if task.video_id.startswith("unwritable"):
            raise LakeError(f"{job.shard} cannot be written")
        if task.video_id.startswith("deadly") and not Path(task.uris[0]).exists():
            Path(task.uris[0]).touch()
            os._exit(1)
        if task.video_id.startswith("pair"):
            self._begun.add(task.video_id)
            _wait_until(lambda: len(self._begun) >= 2)
        if task.video_id.startswith("killer"):
            # With another video beside it, and twice by itself.
            deaths = Path(task.uris[0])
            with deaths.open("a") as file:
                file.write(f"{'beside' if job.shared else 'alone'} ")
            if len(deaths.read_text().split()) < 4:
                time.sleep(0.5)
                os._exit(1)
        if task.video_id.startswith("watched"):
            self._position(task.video_id, 1.5)
            _wait_until(Path(task.uris[0]).exists)
        if task.video_id.startswith("together"):
            _wait_for_three(Path(task.uris[0]).parent)
        time.sleep(task.size_bytes / 1000)
        facts = self._facts | {"pid": os.getpid(), "started_s": time.time(), "shared": job.shared}
        return VideoOutcome(video_id=task.video_id, uri=task.uris[0], status="ok", headline=json.dumps(facts))


def _wait_for_three(folder: Path) -> None:
    """Wait until three workers have begun a video, however late the last one starts."""
    (folder / str(os.getpid())).touch()
    _wait_until(lambda: len(list(folder.iterdir())) >= 3)


def _wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)


class Broken(Sleeper):
    """Finds its GPU broken at the first video."""

    def work(self, task: VideoTask, job: ShardJob) -> VideoOutcome:
        raise DeviceError("CUDA error: an illegal memory access was encountered")


def sleeper(job: RunJob, threads: int, position: Position) -> Sleeper:
    return Sleeper(threads, position)


def broken_on_gpus(job: RunJob, threads: int, position: Position) -> Sleeper:
    made = Sleeper(threads)
    return Broken(threads) if made._facts["resources"]["GPU"] else made  # type: ignore[index]


def broken_at_start(job: RunJob, threads: int, position: Position) -> Sleeper:
    raise DeviceError("No GPU answers")
