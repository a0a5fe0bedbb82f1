"""Summaries, chapters and their cost, with speech and text on the screen as they are written: nothing is recognised.

    python -m benchmarks.summaries [--json FILE]

Two tables. The narrated films of `benchmarks/material/films`: ROUGE of five sentences against summaries written by
hand, beside the first five and five at random; errors of chapter boundaries (half the mean length of a chapter as
window) beside the right number of chapters evenly spread. And the seconds that scenes and summary of invented talks of
an hour and of three take, which should grow with the length and not with its square. What the pictures and the sound
add in errors, benchmarks/quality.py measures.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.material.script import FilmScript, SceneScript, read_scripts
from benchmarks.measures.summaries import rouge
from benchmarks.measures.times import boundary_errors
from pipeline.analysis.scenes import TextSpan, build_scenes, screen_spans, written_text
from pipeline.analysis.summary import summarize
from pipeline.analysis.text import TextEncoder
from schemas.config import FusionConfig, ScenesConfig, SummaryConfig, TextConfig
from schemas.records import Keyframe, Label, Scene, Shot, Summary, TextLine, Utterance

_SENTENCES, _TRIES, _MIN_CHAPTER_S = 5, 20, 15.0
_LEAD_S, _PAUSE_S, _TAIL_S = 0.7, 0.45, 0.5


@dataclass
class Known:
    """A video as the steps before would describe it."""

    duration_s: float
    shots: list[Shot]
    keyframes: list[Keyframe]
    utterances: list[Utterance]
    chapters_s: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/summaries.json"))
    options = parser.parse_args()
    results = {"films": films_table(), "cost": cost_table()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


def films_table() -> dict[str, list[float]]:
    encoder = TextEncoder(TextConfig(), device="cpu", threads=2)
    scripts = [script for script in read_scripts() if script.summaries and any(each.say for each in script.scenes)]
    rows: dict[str, list[Sequence[float]]] = {"these": [], "the first five": [], "any five": []}
    errors: dict[str, list[Sequence[float]]] = {"these chapters": [], "evenly": []}
    rng = np.random.default_rng(0)
    for script in scripts:
        film = known(script, encoder)
        _, summary = understand(film, encoder)
        said = [each.text for each in film.utterances]
        rows["these"].append(rouge(script.summaries, " ".join(each.text for each in summary.sentences)))
        rows["the first five"].append(rouge(script.summaries, " ".join(said[:_SENTENCES])))
        draws = [sorted(rng.choice(len(said), min(_SENTENCES, len(said)), replace=False)) for _ in range(_TRIES)]
        tried = [rouge(script.summaries, " ".join(said[place] for place in draw)) for draw in draws]
        rows["any five"].append(np.mean(tried, axis=0).tolist())
        if len(film.chapters_s) > 1:
            found = [chapter.start_s for chapter in summary.chapters]
            even = np.linspace(0, film.duration_s, len(film.chapters_s), endpoint=False).tolist()
            errors["these chapters"].append(boundary_errors(film.chapters_s, found, film.duration_s))
            errors["evenly"].append(boundary_errors(film.chapters_s, even, film.duration_s))
    print(f"{len(scripts)} films{'':<12}{'ROUGE-1':>10}{'ROUGE-2':>10}{'ROUGE-L':>10}")
    means = {name: np.mean(values, axis=0).round(3).tolist() for name, values in (rows | errors).items()}
    for name in rows:
        print(f"{name:<20}" + "".join(f"{value:>10.3f}" for value in means[name]))
    print(f"{len(errors['evenly'])} films{'':<13}{'Pk':>10}{'WindowDiff':>12}")
    for name in errors:
        print(f"{name:<20}{means[name][0]:>10.3f}{means[name][1]:>12.3f}")
    return means


def cost_table() -> dict[str, list[float]]:
    print(f"{'hours, seconds a shot':<24}{'scenes s':>10}{'summary s':>11}")
    found = {}
    for hours, shot_s in ((1.0, 4.0), (3.0, 4.0), (3.0, 1.5)):
        film = long_talk(hours, shot_s)
        begun = time.perf_counter()
        scenes = scenes_of(film, [], vision=1280)
        middle = time.perf_counter()
        summarize(
            scenes, film.shots, film.keyframes, film.utterances, video_id="v", duration_s=film.duration_s,
            config=SummaryConfig(), uri="talk.mp4",
        )  # fmt: skip
        ended = time.perf_counter()
        name = f"{hours:g} h, {shot_s:g} s"
        found[name] = [round(middle - begun, 2), round(ended - middle, 2)]
        print(f"{name:<24}{found[name][0]:>10.2f}{found[name][1]:>11.2f}")
    return found


def understand(film: Known, encoder: TextEncoder) -> tuple[tuple[Scene, ...], Summary]:
    spans = screen_spans(film.keyframes, film.duration_s, film.shots)
    vectors = encoder.encode([text for _, _, text in spans])
    screen = [TextSpan(*span, vector, "screen") for span, vector in zip(spans, vectors, strict=True)]
    scenes = scenes_of(film, screen, vision=8)
    config = SummaryConfig(sentences=_SENTENCES, min_chapter_s=_MIN_CHAPTER_S)
    return scenes, summarize(
        scenes, film.shots, film.keyframes, film.utterances, video_id="v", duration_s=film.duration_s, config=config,
        uri="film.mp4",
    )  # fmt: skip


def scenes_of(film: Known, screen: Sequence[TextSpan], *, vision: int) -> tuple[Scene, ...]:
    return build_scenes(
        film.shots, film.keyframes, film.utterances, screen, duration_s=film.duration_s, text_dimensions=384,
        vision_dimensions=vision, coordinated_dimensions=4, scenes=ScenesConfig(), fusion=FusionConfig(),
    )  # fmt: skip


def known(script: FilmScript, encoder: TextEncoder) -> Known:
    """Describe a film as its script has it; speech takes the time that its words need."""
    film = Known(0.0, [], [], [], [])
    for chapter in script.chapters:
        film.chapters_s.append(film.duration_s)
        for scene in chapter.scenes:
            start_s = film.duration_s
            time_s = start_s + _LEAD_S
            for text in scene.say:
                end_s = time_s + 0.3 + len(text.split()) * 60 / script.rate_wpm
                index = len(film.utterances)
                film.utterances.append(Utterance(index, time_s, end_s, text, "en", None, (), -0.1, 0.1, 1.2, ()))
                time_s = end_s + _PAUSE_S
            film.duration_s = max(time_s + _TAIL_S, start_s + scene.min_s)
            place = len(film.shots)
            transition = "start" if not place else "gradual" if scene.transition == "dissolve" else scene.transition
            film.shots.append(Shot(place, start_s, film.duration_s, transition, 1.0))
            film.keyframes.append(keyframe(place, start_s + 1.0, np.zeros(8, np.float32), written_lines(scene)))
    spoken = encoder.encode([each.text for each in film.utterances])
    written = encoder.encode([written_text(each) for each in film.keyframes])
    film.utterances = [replace(one, embedding=row) for one, row in zip(film.utterances, spoken, strict=True)]
    film.keyframes = [replace(one, text_embedding=row) for one, row in zip(film.keyframes, written, strict=True)]
    return film


def written_lines(scene: SceneScript) -> tuple[TextLine, ...]:
    top = 0.84 if scene.caption else 0.1
    boxes = [(0.1, top + 0.12 * n, 0.9, top + 0.12 * n + (0.1 if n == 0 else 0.06)) for n in range(len(scene.written))]
    return tuple(TextLine(text, box, 0.98) for text, box in zip(scene.written, boxes, strict=True))


def keyframe(index: int, time_s: float, vector: np.ndarray, lines: tuple[TextLine, ...]) -> Keyframe:
    labels = (Label("suit", 0.3),)
    return Keyframe(index, time_s, index, 100.0, index, 320, 180, b"", labels, lines, "", "composed", vector)


def long_talk(hours: float, shot_s: float) -> Known:
    """Invent a talk that turns to another subject every three minutes, at fifty sentences a minute."""
    rng = np.random.default_rng(0)
    duration_s = hours * 3600
    seen, said = rng.standard_normal((40, 1280)), rng.standard_normal((40, 384))
    edges_s = np.arange(0, duration_s + 1e-6, shot_s)
    shots = [
        Shot(n, low, high, "cut" if n else "start", 1.0) for n, (low, high) in enumerate(pairwise(edges_s.tolist()))
    ]
    frames = [
        keyframe(
            shot.index,
            shot.start_s + 0.5,
            unit(seen[int(shot.start_s / 180) % 40] + rng.standard_normal(1280)),
            (TextLine(f"Title {shot.index // 30}", (0.1, 0.1, 0.9, 0.2), 0.97),) if shot.index % 5 == 0 else (),
        )
        for shot in shots
    ]
    utterances = [
        Utterance(
            n, 1.2 * n, 1.2 * n + 1.1, f"Sentence {n} says something new of subject {n // 150}.", "en", None,
            (), -0.1, 0.1, 1.2, (), unit(said[n // 150 % 40] + rng.standard_normal(384)),
        )
        for n in range(int(duration_s / 1.2))
    ]  # fmt: skip
    return Known(duration_s, shots, frames, utterances, [])


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


if __name__ == "__main__":
    main()
