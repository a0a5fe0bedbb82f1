"""Whether the outputs agree: words and cuts of each loop against those of the skilled one, and rows."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jiwer
import pyarrow.parquet as pq

_NEAR_S = 0.15


def agreement(out: Path, outputs: Path) -> dict[str, Any]:
    """Compare the output of a loop with that of the skilled loop, if it is there.

    Returns:
        `words`: share of the words that both have, in the same order, in the videos in which both hear some;
        `words_elsewhere`: words in videos in which the skilled loop hears none, and `skilled_words_elsewhere` the
        other way round; `cuts`: F1 of shot starts within 0.15 s; `frames` and `segments`: rows.
    """
    own = _read(out)
    found: dict[str, Any] = {name: sum(map(len, own[name].values())) for name in ("frames", "segments")}
    if (outputs / "skilled_loop").is_dir():
        reference = _read(outputs / "skilled_loop")
        ours, theirs = _words_of(own), _words_of(reference)
        both = ours.keys() & theirs.keys()
        found["words"] = round(_words_in_common([(ours[video], theirs[video]) for video in both]), 3)
        found["words_elsewhere"] = sum(len(ours[video]) for video in ours.keys() - both)
        found["skilled_words_elsewhere"] = sum(len(theirs[video]) for video in theirs.keys() - both)
        found["cuts"] = round(_cuts_in_common(own["shots"], reference["shots"]), 3)
    return found


def _read(out: Path) -> dict[str, dict[str, list[Any]]]:
    """Return texts of segments, starts of shots and times of frames by file name."""
    if (out / "segments.parquet").exists():
        tables = {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in ("shots", "frames", "segments")}
    else:
        from pipeline.lake import Lake

        lake = Lake(str(out))
        named = "SELECT v.uri AS video, t.* FROM {table} AS t JOIN videos AS v USING (video_id)"
        tables = {
            name: lake.sql(named.format(table=table)).to_pylist()
            for name, table in (("shots", "shots"), ("frames", "frames"), ("segments", "utterances"))
        }
    keys = {"shots": "start_s", "frames": "time_s", "segments": "text"}
    found: dict[str, dict[str, list[Any]]] = {}
    for name, rows in tables.items():
        rows.sort(key=lambda row: (row["video"], row.get("start_s", row.get("time_s"))))
        by_video: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_video[Path(row["video"]).name].append(row[keys[name]])
        found[name] = by_video
    return found


def _words_of(tables: dict[str, dict[str, list[Any]]]) -> dict[str, list[str]]:
    """Return the words of each video that has some."""
    words = {video: re.findall(r"\w+", " ".join(texts).lower()) for video, texts in tables["segments"].items()}
    return {video: each for video, each in words.items() if each}


def _words_in_common(pairs: Sequence[tuple[list[str], list[str]]]) -> float:
    same = total = 0
    for ours, theirs in pairs:
        # Not by difflib: it takes the longest block first, and so a text that is repeated is matched out of step.
        same += jiwer.process_words(" ".join(theirs), " ".join(ours)).hits
        total += max(len(ours), len(theirs))
    return same / max(1, total)


def _cuts_in_common(own: dict[str, list[float]], reference: dict[str, list[float]]) -> float:
    hits = total = 0
    for video in own.keys() | reference.keys():
        ours, theirs = own.get(video, [])[1:], reference.get(video, [])[1:]
        hits += sum(any(abs(cut - other) <= _NEAR_S for other in theirs) for cut in ours)
        total += len(ours) + len(theirs)
    return 2 * hits / max(1, total)
