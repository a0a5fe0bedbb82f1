"""Quality and cost of summaries and chapters, given perfect transcripts and on-screen text.

    python -m benchmarks.summaries [--json FILE]

The first table covers the narrated films of `benchmarks/material/films`. It has ROUGE of five sentences against
summaries written by hand, compared to the first five sentences and to five random ones. It also has the errors of
chapter boundaries (the window is half the mean length of a chapter), compared to the right number of chapters spread
evenly. The second table has the seconds for scenes and summary of invented talks of one and three hours, which should
grow linearly. benchmarks/quality.py measures the same with real recognition errors.
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
from pipeline.analysis.fusion import fuse_early
from pipeline.analysis.scenes import (
    Dimensions,
    Subject,
    TextSpan,
    VideoContent,
    build_scenes,
    find_scenes,
    screen_spans,
    speech_spans,
    written_text,
)
from pipeline.analysis.summary import Extract, extract_summary
from pipeline.analysis.text import TextEncoder
from schemas.config import FusionConfig, ScenesConfig, SummaryConfig, TextConfig
from schemas.records import Keyframe, Label, Scene, Shot, TextLine, Utterance

_SENTENCES, _TRIES, _MIN_CHAPTER_S = 5, 20, 15.0
_LEAD_S, _PAUSE_S, _TAIL_S = 0.7, 0.45, 0.5
_TEXT_DIMENSIONS = 384


@dataclass
class Known:
    """A video as the earlier steps would describe it."""

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
    encoder = TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=2)
    scripts = [script for script in read_scripts() if script.summaries and any(each.say for each in script.scenes)]
    rows: dict[str, list[Sequence[float]]] = {"summary": [], "first five": [], "random five": []}
    errors: dict[str, list[Sequence[float]]] = {"chapters": [], "evenly spread": []}
    rng = np.random.default_rng(0)
    for script in scripts:
        film = known(script, encoder)
        summary = summary_of(film, encoder)
        said = [each.text for each in film.utterances]
        rows["summary"].append(rouge(script.summaries, " ".join(each.text for each in summary.sentences)))
        rows["first five"].append(rouge(script.summaries, " ".join(said[:_SENTENCES])))
        draws = [sorted(rng.choice(len(said), min(_SENTENCES, len(said)), replace=False)) for _ in range(_TRIES)]
        tried = [rouge(script.summaries, " ".join(said[index] for index in draw)) for draw in draws]
        rows["random five"].append(np.mean(tried, axis=0).tolist())
        if len(film.chapters_s) > 1:
            found = [chapter.start_s for chapter in summary.chapters]
            even = np.linspace(0, film.duration_s, len(film.chapters_s), endpoint=False).tolist()
            errors["chapters"].append(boundary_errors(film.chapters_s, found, film.duration_s))
            errors["evenly spread"].append(boundary_errors(film.chapters_s, even, film.duration_s))
    print(f"{len(scripts)} films{'':<12}{'ROUGE-1':>10}{'ROUGE-2':>10}{'ROUGE-L':>10}")
    means = {name: np.mean(values, axis=0).round(3).tolist() for name, values in (rows | errors).items()}
    for name in rows:
        print(f"{name:<20}" + "".join(f"{value:>10.3f}" for value in means[name]))
    print(f"{len(errors['evenly'])} films{'':<13}{'Pk':>10}{'WindowDiff':>12}")
    for name in errors:
        print(f"{name:<20}{means[name][0]:>10.3f}{means[name][1]:>12.3f}")
    return means


def cost_table() -> dict[str, list[float]]:
    print(f"{'length, shot length':<24}{'scenes s':>10}{'summary s':>11}")
    found = {}
    for hours, shot_s in ((1.0, 4.0), (3.0, 4.0), (3.0, 1.5)):
        film = long_talk(hours, shot_s)
        begun = time.perf_counter()
        video = content_of(film, [])
        scenes = scenes_of(video, vision=1280)
        middle = time.perf_counter()
        extract_summary(scenes, video, video_id="v", uri="talk.mp4", config=SummaryConfig())
        ended = time.perf_counter()
        name = f"{hours:g} h, {shot_s:g} s"
        found[name] = [round(middle - begun, 2), round(ended - middle, 2)]
        print(f"{name:<24}{found[name][0]:>10.2f}{found[name][1]:>11.2f}")
    return found


def summary_of(film: Known, encoder: TextEncoder) -> Extract:
    spans = screen_spans(film.keyframes, film.duration_s, film.shots)
    vectors = encoder.encode([text for _, _, text in spans])
    screen = [TextSpan(*span, vector, "screen") for span, vector in zip(spans, vectors, strict=True)]
    video = content_of(film, screen)
    config = SummaryConfig(sentences=_SENTENCES, min_chapter_s=_MIN_CHAPTER_S)
    return extract_summary(scenes_of(video, vision=8), video, video_id="v", uri="film.mp4", config=config)


def content_of(film: Known, screen: Sequence[TextSpan]) -> VideoContent:
    texts = [*speech_spans(film.utterances, _TEXT_DIMENSIONS), *screen]
    return VideoContent(film.duration_s, film.shots, film.keyframes, film.utterances, texts)


def scenes_of(video: VideoContent, *, vision: int) -> tuple[Scene, ...]:
    dimensions = Dimensions(text=_TEXT_DIMENSIONS, vision=vision, coordinated=4)
    found = find_scenes(video, dimensions=dimensions, config=ScenesConfig())
    weight = FusionConfig().text_weight
    fused = [fuse_early(scene.text_embedding, scene.vision_embedding, text_weight=weight) for scene in found]
    return build_scenes(found, [Subject()] * len(found), fused)


def known(script: FilmScript, encoder: TextEncoder) -> Known:
    """Describe a film by its script; the duration of speech follows from its number of words."""
    film = Known(0.0, [], [], [], [])
    for chapter in script.chapters:
        film.chapters_s.append(film.duration_s)
        for scene in chapter.scenes:
            start_s = film.duration_s
            time_s = start_s + _LEAD_S
            for text in scene.say:
                end_s = time_s + 0.3 + len(text.split()) * 60 / script.rate_wpm
                number = len(film.utterances)
                film.utterances.append(Utterance(number, time_s, end_s, text, "en", None, (), -0.1, 0.1, 1.2, ()))
                time_s = end_s + _PAUSE_S
            film.duration_s = max(time_s + _TAIL_S, start_s + scene.min_s)
            index = len(film.shots)
            transition = "start" if not index else "gradual" if scene.transition == "dissolve" else scene.transition
            film.shots.append(Shot(index, start_s, film.duration_s, transition, 1.0))
            film.keyframes.append(keyframe(index, start_s + 1.0, np.zeros(8, np.float32), written_lines(scene)))
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
    """Invent a talk with a new subject every three minutes and fifty sentences per minute."""
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
