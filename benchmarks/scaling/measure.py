"""One measurement of `benchmarks/scale.py`, in a process of its own, of the Videolake that is on `PYTHONPATH`.

    python measure.py pool|plan|outcomes|requests OPTIONS_AS_JSON

It prints a JSON object. Only the analysis is replaced, at one seam: `Sleeper`. Ray, Prefect and the S3 server are real.
`PREVIOUS` marks what differs for the version before the pool (commit a85fa62), which ran one shard after another.
"""

import importlib
import json
import os
import random
import resource
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.lake import Lake, Origin, video_tables
from schemas.config import Config
from schemas.media import MediaInfo
from schemas.outcome import VideoOutcome
from schemas.records import Analysis, Summary, Transcript, VideoTask

try:
    from workers import open_pool

    PREVIOUS = False
except ImportError:
    PREVIOUS = True

REVISION = "a" * 16
MEDIAN_S, SIGMA = 1.9, 1.2
"""Analysis times: log-normal, with the long tail of real archives, compressed about 20 times (mean 3.9 s)."""
LOAD_S = 0.8
"""Loading the models takes 16.7 s, compressed alike."""


def tables_of(task: VideoTask, shard: str, revision: str) -> dict[str, Any]:
    """Return the rows of a video in which nothing was found."""
    info = MediaInfo(task.uris[0], task.size_bytes, "mp4", 60.0, None, None, 0, False)
    summary = Summary("Nothing", (), (), (), (), ())
    analysis = Analysis(info, 60.0, 0, 0, (), (), Transcript(None, 0.0, 0.0, (), "none"), (), summary)
    encoder = ("none", 2)
    origin = Origin(revision=revision, shard=shard, text=encoder, vision=encoder, committed_at=datetime.now(UTC))
    return video_tables(task, analysis, origin)


class Sleeper:
    """THE SEAM: sleeps a millisecond per byte of a video instead of analysing it. It stages rows like `VideoWorker`."""

    def __init__(self, log: Path) -> None:
        time.sleep(LOAD_S)
        self._log = (log / f"{os.getpid()}.log").open("a", buffering=1)

    def work(self, task: VideoTask, job: Any) -> VideoOutcome:  # noqa: D102 - as in `VideoWorker`
        started_s = time.time()
        lake = Lake(job.lake_uri)
        lake.begin_attempt(job.shard, task.video_id, datetime.now(UTC) if PREVIOUS else "node")
        time.sleep(task.size_bytes / 1000)
        lake.stage(job.shard, task.video_id, tables_of(task, job.shard, job.revision))
        self._log.write(f"{started_s} {time.time()}\n")
        return VideoOutcome(
            video_id=task.video_id, uri=task.uris[0], size_bytes=task.size_bytes, status="ok", duration_s=60.0,
            timings_s={"decode": 1.0}, worker=f"worker:{os.getpid()}",
        )  # fmt: skip


def sleeper(_job: Any, _threads: int, _position: Any, *, log: Path) -> Sleeper:
    return Sleeper(log)


class PreviousWorker:
    """The seam in the previous version, in the place of `RayVideoWorker`."""

    def __init__(self, job: Any, _threads: int, _progress_actor: Any) -> None:
        self._job, self._sleeper = job, Sleeper(Path(os.environ["SCALE_LOG"]))

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:  # noqa: D102 - as in `RayVideoWorker`
        from workers.job import task_from_json

        done = [self._sleeper.work(task_from_json(str(text)), self._job).model_dump_json() for text in batch["task"]]
        return {"outcome": done, "refusal": [""] * len(done)}


def pool(options: dict[str, Any]) -> dict[str, float]:
    """Run the flow over an archive of files whose sizes are the milliseconds that each takes."""
    work, workers, videos = Path(options["work"]), options["workers"], options["videos"]
    archive, log = work / "archive", work / "log"
    archive.mkdir()
    log.mkdir()
    os.environ["SCALE_LOG"] = str(log)
    chance = random.Random(7)
    for number in range(videos):
        with (archive / f"{number}.mp4").open("wb") as file:
            file.write(number.to_bytes(8, "big"))
            file.truncate(max(8, int(1000 * chance.lognormvariate(0.0, SIGMA) * MEDIAN_S)))
    import ray

    ray.init(num_cpus=workers, object_store_memory=80_000_000, log_to_driver=False, include_dashboard=False)
    settings = {"speech": {"engine": "none"}, "workers": {"num_cpus": 1}, "report": {"enabled": False}}
    from flows import archive as flow

    lake = str(work / "lake")
    used_s = time.process_time()
    if PREVIOUS:
        import workers.execution

        workers.execution.RayVideoWorker = PreviousWorker
        flow.analyze_archive([str(archive)], lake, Config.model_validate(settings))
    else:
        flow.open_pool = partial(open_pool, make_worker=partial(sleeper, log=log))
        toml = '[speech]\nengine = "none"\n[workers]\nnum_cpus = 1\n[report]\nenabled = false\n'
        flow.analyze_archive([str(archive)], lake, "embedded", toml)
    driver_s = time.process_time() - used_s
    spans = [sorted(tuple(map(float, line.split())) for line in path.open()) for path in log.iterdir()]
    ready_s = sorted(each[0][0] for each in spans)[min(workers, len(spans)) - 1]
    ends_s = sorted(end_s for each in spans for _, end_s in each)
    until_s = ends_s[int(len(ends_s) * 0.95) - 1]
    busy_s = sum(max(0.0, min(end, until_s) - max(start, ready_s)) for each in spans for start, end in each)
    return {
        "pool_utilisation": round(busy_s / (workers * (until_s - ready_s)), 4),
        "videos": len(ends_s),
        "processes_started": len(spans),
        "driver_cpu_ms_per_video": round(1000 * driver_s / videos, 2),
    }


def plan(options: dict[str, Any]) -> dict[str, float]:
    """Plan videos of which the lake has half, and count their outcomes."""
    import pyarrow as pa

    from flows.progress import Tally
    from pipeline.run.plan import make_plan
    from pipeline.run.revision import recipe_of

    count = options["videos"]
    tasks = [
        VideoTask(f"{n:032x}", (f"s3://archive/season {n // 1000}/episode {n}.mp4",), 10**6 + n % 977 * 10**6, 1)
        for n in range(count)
    ]
    half = count // 2
    recipe = recipe_of(Config(), ())
    done = ",".join(f"{stage} {revision}" for stage, revision in recipe.stages.items())
    columns = {
        "video_id": [task.video_id for task in tasks[:half]], "shard": ["5a"] * half, "made_by": ["5a"] * half,
        "made": [done] * half, "tried": [None] * half, "kinds": [None] * half,
        "uri": [task.uris[0] for task in tasks[:half]], "duration_s": [60.0] * half,
        "subtitle_files": [[] for _ in range(half)],
    }  # fmt: skip
    processed = pa.table(columns)
    del columns
    started_s = time.perf_counter()
    made = make_plan(tasks, processed, recipe, Config())
    wall_s = time.perf_counter() - started_s
    tally = Tally()
    if not PREVIOUS:
        for shard in made.shards:
            for task in shard.tasks:
                tally.end(outcome_of(task))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"plan_1m_videos_s": round(wall_s, 1), "driver_peak_gb_at_1m": round(peak / 1e6, 2)}


def outcome_of(task: VideoTask) -> VideoOutcome:
    return VideoOutcome(
        video_id=task.video_id, uri=task.uris[0], size_bytes=task.size_bytes, status="ok", duration_s=60.0,
        timings_s=dict.fromkeys(("decode", "shots", "speech", "vision", "text", "scenes"), 1.0),
    )  # fmt: skip


def outcomes(options: dict[str, Any]) -> dict[str, float]:
    """Count outcomes, as the flow does, after many others."""
    from flows.progress import Tally

    before, count = options["before"], options["count"]
    made = [outcome_of(VideoTask(f"{n:032x}", (f"/{n}.mp4",), 10**6, 1)) for n in range(count)]
    tally = Tally()
    if PREVIOUS:
        tally.outcomes = [made[0]] * before  # one by one, it would take weeks
    else:
        for _ in range(before):
            tally.end(made[0])
    started_s = time.process_time()
    for outcome in made:
        tally.end(outcome)
    return {"outcome_at_1m_ms": round(1000 * (time.process_time() - started_s) / count, 4)}


def requests(options: dict[str, Any]) -> dict[str, float]:
    """Count the requests of the previous version to an S3 server. `benchmarks/lake_log.py` counts those of this one.

    Its lake has no checkpoints, and opening it takes requests for each shard: it is opened at two sizes, of which the
    others follow.
    """
    assert PREVIOUS
    import s3fs

    s3 = import_s3()
    counts = []
    with s3.S3Server() as server, s3.FaultProxy(server.host, server.port) as proxy:
        os.environ.update(s3.environment(proxy.endpoint))
        server.create_bucket("bucket")
        published = Lake.create("s3://bucket/published")
        publish(published, "5a", 1)
        proxy.requests.clear()
        publish(published, "5b", options["videos"])
        a_video = proxy.requests.total() / options["videos"]
        for shards in options["shards"]:
            lake = Lake.create(f"{options['work']}/{shards}")
            for number in range(shards):
                publish(lake, f"5c{number:04}", 1)
            s3fs.S3FileSystem().put(f"{lake.uri}/", f"bucket/opened{shards}/", recursive=True)
            proxy.requests.clear()
            assert Lake(f"s3://bucket/opened{shards}").sql("FROM videos").num_rows == shards
            counts.append(proxy.requests.total())
    (fewer, more), (few, many) = options["shards"], counts
    to_open = few + (many - few) / (more - fewer) * (15_000 - fewer)
    return {"requests_to_publish_a_video": round(a_video, 1), "requests_to_open_15000_shards": round(to_open)}


def publish(lake: Lake, shard: str, videos: int) -> None:
    lake.staged(shard)
    for number in range(videos):
        task = VideoTask(f"{shard}{number:04}".ljust(32, "0"), (f"/{shard}-{number}.mp4",), 1000, 1)
        lake.begin_attempt(shard, task.video_id, datetime.now(UTC))
        lake.stage(shard, task.video_id, tables_of(task, shard, REVISION))
    lake.commit(shard, REVISION)


def import_s3() -> Any:
    """Return this version's `tests.s3`, although the other checkout has `tests` as well."""
    import tests

    tests.__path__.append(str(Path(__file__).parents[2] / "tests"))
    return importlib.import_module("tests.s3")


def main() -> None:
    measures = {"pool": pool, "plan": plan, "outcomes": outcomes, "requests": requests}
    print(json.dumps(measures[sys.argv[1]](json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
