"""Quality of each result when audio or images are poor, missing or damaged.

    python -m benchmarks.robustness [--work FOLDER] [--json FILE]

Two videos with known content are each damaged in fifteen ways (`benchmarks/material/harm.py`) and analysed with the
defaults. Retrieval uses each sentence of the script as a query against the scenes' fused vectors. It reports the share
of sentences whose own scene ranks first among all scenes of the video.
"""

import argparse
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.material.analysed import SETTINGS, Video, read_videos
from benchmarks.material.harm import HARMS, harmed
from benchmarks.measures.recognition import character_error_rate, word_error_rate
from benchmarks.measures.times import f1, matches
from pipeline.extras.sample.known import KNOWN
from pipeline.extras.sample.truth import Truth
from pipeline.lake import Lake
from pipeline.run.configuration import load_config
from pipeline.run.discovery import discover
from pipeline.run.plan import make_plan
from pipeline.run.revision import models_of, recipe_of
from pipeline.search.query_encoder import QueryEncoder
from workers import InlinePool, RunJob

FILMS = ("ocean_talk.mp4", "photo_report.mp4")
_TOLERANCE_S = 0.25


@dataclass(frozen=True, slots=True)
class Row:
    """Results over all videos with one kind of damage."""

    harm: str
    about: str
    word_errors: float
    shots_f1: float
    character_errors: float
    own_scene_first: float
    failed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/results/robustness"))
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/robustness.json"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    truths = {name: KNOWN[name](_made(options.work / "films") / name) for name in FILMS}
    files = {
        (name, film): harmed(options.work / "films" / film, harm, options.work / "harmed" / f"{index:02}-{film}")
        for index, (name, harm) in enumerate(HARMS.items())
        for film in FILMS
    }
    lake = analysed(list(files.values()), options.work / "lake", threads=options.threads)
    videos = read_videos(lake)
    encoder = QueryEncoder.of_lake(lake, threads=options.threads)
    rows = [
        measured(name, {film: videos.get(files[name, film].name) for film in FILMS}, truths, encoder) for name in HARMS
    ]
    print(f"{'':<14}{'WER':>12}{'shots F1':>10}{'CER':>18}{'own scene first':>17}{'failed':>8}")
    for row in rows:
        print(
            f"{row.harm:<14}{row.word_errors:>12.1%}{row.shots_f1:>10.2f}{row.character_errors:>18.1%}"
            f"{row.own_scene_first:>17.0%}{row.failed:>8}"
        )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")


def analysed(files: list[Path], work: Path, *, threads: int) -> Lake:
    """Analyse files. Failed ones are not in the lake."""
    config = load_config(environment={}, settings=[*SETTINGS, f"workers.threads={threads}"])
    recipe = recipe_of(config, models_of(config))
    lake = Lake.create(str(work))
    lake.clean()
    found = discover([str(file) for file in files], lake, config.archive)
    pool = InlinePool(RunJob(recipe.revision, lake.uri, config, stages=recipe.stages))
    for shard in make_plan(found.tasks, lake.processed(), recipe, config).shards:
        for outcome in pool.submit(shard.id, shard.tasks).outcomes():
            print(f"  {outcome.status} {Path(outcome.uri).name} {outcome.error_message}", flush=True)
        lake.commit(shard.id, shard.revision)
    return lake


def measured(harm: str, videos: dict[str, Video | None], truths: dict[str, Truth], encoder: QueryEncoder) -> Row:
    """Compare the results for damaged videos with the truth."""
    complete = {film: video for film, video in videos.items() if video is not None and video.row["status"] == "ok"}
    right = found = known = first = queried = 0
    lines: list[str] = []
    read: list[list[str]] = []
    for film, video in complete.items():
        truth = truths[film]
        starts = [shot["start_s"] for shot in video.shots[1:]]
        right += matches(starts, truth.transitions_s, _TOLERANCE_S)
        found, known = found + len(starts), known + len(truth.transitions_s)
        for line in truth.written:
            near = [each for each in video.frames if line.start_s <= each["time_s"] < line.end_s]
            lines.append(line.text)
            read.append([text["text"] for frame in near for text in frame["text_lines"]])
        fused = np.array([scene["fused_embedding"] for scene in video.scenes], dtype=np.float32)
        queries = encoder.texts([sentence.text for sentence in truth.spoken]).fused
        for sentence, query in zip(truth.spoken, queries, strict=True):
            best = video.scenes[int(np.argmax(fused @ query))]
            middle_s = (sentence.start_s + sentence.end_s) / 2
            first += best["start_s"] <= middle_s < best["end_s"]
            queried += 1
    return Row(
        harm,
        HARMS[harm].about,
        word_error_rate(
            [truths[film].transcript for film in videos],
            [video.words if video else "" for video in videos.values()],
            "en",
        ),
        f1(right, found, known),
        character_error_rate(lines, read),
        first / max(1, queried),
        len(videos) - len(complete),
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
