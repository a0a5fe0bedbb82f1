"""Cost of redoing what a change of settings needs, beside a complete analysis, and whether the rows are the same.

    python benchmarks/incremental.py [--film FILE] [--pairs COUNT] [--json FILE]

The first table has ten kinds of change of the defaults, for a talk with slides by default. Seconds are those of one
video, rows to rows, with the models loaded and warm. Compare CPU seconds: they depend less on what else the machine
does. With `--pairs`, hypothesis draws so many pairs of settings, and the rows after each partial redo are compared with
those of a complete analysis of a short film.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings

from pipeline.extras.sample.known import ocean_talk
from pipeline.lake import analysis_of
from schemas.config import Config
from schemas.stages import STAGES
from tests.pipeline.analysis.video.redoing import (
    Laboratory,
    Settings,
    changes,
    config_of,
    differences,
    make_film,
    rows_of,
    stages_of,
)

DEFAULTS: Settings = {"speech.beam_size": 5}
CHANGES: Mapping[str, Any] = {
    "summary.sentences": 7,
    "topics.min_score": 0.5,
    "scenes.similarity": 0.7,
    "keyphrases.count": 10,
    "fusion.text_weight": 0.5,
    "text.pooling": "cls",
    "speech.beam_size": 1,
    "speakers.threshold": 0.5,
    "vision.labels": 3,
    "keyframes.interval_s": 5.0,
}


def seconds_of(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the CPU and wall-clock seconds of the second of two calls: the first one warms caches."""
    work()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu_s, time.perf_counter() - wall_s


def measure(film: Path) -> list[dict[str, Any]]:
    laboratory = Laboratory(film)
    base = config_of(DEFAULTS)
    complete_s = seconds_of(lambda: complete(laboratory, base))
    rows = laboratory.complete(base)
    found = [row("complete analysis", STAGES, complete_s, complete_s, differ=[])]
    for name, value in CHANGES.items():
        config = config_of({**DEFAULTS, name: value})
        stages = stages_of(base, config)
        analyzer = laboratory.analyzer(config, stages)

        def redo(stages: Any = stages, analyzer: Any = analyzer) -> dict[str, pa.Table]:
            before, uri = analysis_of(rows), str(film)
            info = analyzer.probe(uri) if {"picture", "sound"} & stages else before.info
            return rows_of(analyzer, analyzer.analyze(uri, info, video_id="v", stages=stages, before=before), film)

        found.append(row(f"{name} = {value}", stages, seconds_of(redo), complete_s, differ=differences(rows, redo())))
    return found


def complete(laboratory: Laboratory, config: Config) -> None:
    analyzer, uri = laboratory.analyzer(config), str(laboratory.film)
    rows_of(analyzer, analyzer.analyze(uri, analyzer.probe(uri), video_id="v"), laboratory.film)


def row(
    name: str, stages: Any, spent_s: tuple[float, float], complete_s: tuple[float, float], *, differ: list[str]
) -> dict[str, Any]:
    """Print and return one row of the table."""
    redone = [stage for stage in STAGES if stage in stages]
    share = spent_s[0] / complete_s[0]
    print(f"{name:<26} {spent_s[0]:8.2f} {spent_s[1]:8.2f} {share:8.1%}  {len(differ):>3}  {', '.join(redone)}")
    return {"change": name, "stages": redone, "cpu_s": spent_s[0], "wall_s": spent_s[1], "share": share,
            "columns": len(differ)}  # fmt: skip


def compare(film: Path, pairs: int) -> list[dict[str, Any]]:
    """Compare the rows of partial and complete analyses for pairs of settings."""
    laboratory = Laboratory(film)
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=pairs, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(pair=changes())
    def check(pair: tuple[Settings, Settings]) -> None:
        before, after = map(config_of, pair)
        complete, stages = laboratory.complete(after), stages_of(before, after)
        other = differences(complete, laboratory.redone(laboratory.complete(before), after, stages))
        changed = len(differences(laboratory.complete(before), complete))
        redone = [stage for stage in STAGES if stage in stages]
        new = {name: value for name, value in pair[1].items() if pair[0].get(name) != value}
        print(f"{pair[0]} -> {new}: {', '.join(redone)}; {changed} columns change; {other or 'equal'}", flush=True)
        found.append({"before": pair[0], "after": pair[1], "stages": redone, "changed": changed, "differ": other})

    check()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="default: a talk with slides, which this program makes")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/incremental.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        film = options.film or Path(temporary) / "talk.mp4"
        if options.film is None:
            ocean_talk(film)
        print(f"{'change':<26} {'CPU s':>8} {'wall s':>8} {'share':>8}  columns that change; stages redone")
        found: dict[str, Any] = {"changes": measure(film)}
        if options.pairs:
            found["pairs"] = compare(make_film(Path(temporary) / "film.mp4"), options.pairs)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2))
    sys.exit(any(pair["differ"] for pair in found.get("pairs", ())))


if __name__ == "__main__":
    main()
