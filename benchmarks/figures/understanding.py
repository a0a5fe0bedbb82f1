"""Understanding: summaries, chapters, topics, and their cost."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.figures.figure import Figure
from benchmarks.material.analysed import Row, Video
from benchmarks.material.films import KnownFilm
from benchmarks.material.script import FOLDER
from benchmarks.measures.scores import Calibration, accuracy_at
from benchmarks.measures.summaries import claims, is_supported, rouge
from benchmarks.measures.times import boundary_errors
from benchmarks.topics import ENCODERS, held_out_calibration

PART = "understanding"
_TOPICS = "the topics of the script, in the shipped taxonomy; one to eight of about 100 names are right for a scene"
_NOT_TUNED_ON = frozenset({"evening_news", "health_talk", "morning_magazine", "science_lesson", "workshop"})
"""Every other one of the ten films with speech that topics were measured on, in order of their names."""
_BINS = 5
"""Of calibration on the films, which have few scenes."""
MAIN_STEPS = frozenset({"decode", "shots", "keyframes", "vision", "ocr", "objects", "thumbnails", "speech", "text"})
"""The steps that make shots, keyframes, speech and vectors; all others are understanding."""


def understanding_figures(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    """Measure understanding."""
    yield from _summaries(films, videos)
    yield from _chapters(films, videos)
    yield from _headlines(films, videos)
    yield from _topics(films, videos)
    yield from _cost(videos)


def _summaries(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    ours, leads, kept, supported = [], [], 0, 0
    for film in films:
        summary = videos[film.path.name].summary
        for sentence in summary["sentences"]:
            spans = [(each["start_s"], each["end_s"]) for each in sentence["evidence"]]
            kept += claims(sentence["text"])
            supported += claims(sentence["text"]) and is_supported(sentence["text"], spans, film.truth)
        if film.script.summaries and film.truth.spoken:
            ours.append(rouge(film.script.summaries, " ".join(each["text"] for each in summary["sentences"])))
            lead = [each.text for each in film.truth.spoken[: max(1, len(summary["sentences"]))]]
            leads.append(rouge(film.script.summaries, " ".join(lead)))
    ours_mean, lead_mean = np.mean(ours, axis=0), np.mean(leads, axis=0)
    for index, name in enumerate(("ROUGE-1", "ROUGE-2", "ROUGE-L")):
        yield Figure(
            PART, f"summary, {name}", float(ours_mean[index]), "",
            f"{len(ours)} films; first sentences of the script {lead_mean[index]:.3f}",
            "ROUGE F1 (Lin, 2004) with stemming, the better of the two references; the first sentences of the script, "
            "as many as the summary has, are a baseline", "two summaries of each film, written by hand", "higher",
        )  # fmt: skip
    yield Figure(
        PART, "evidence precision", supported / max(1, kept), "%", f"{kept} sentences",
        "share of sentences with at least 60 % of their words (without stop words) said, written or shown within the "
        "times of their evidence", "the times of everything said, written and shown in the script", "higher",
    )  # fmt: skip


def _chapters(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    ours, nothing, even = [], [], []
    for film in films:
        known, length_s = film.chapter_starts_s, film.truth.duration_s
        if len(known) < 2:
            continue
        found = [chapter["start_s"] for chapter in videos[film.path.name].summary["chapters"]]
        ours.append(boundary_errors(known, found, length_s))
        nothing.append(boundary_errors(known, [0.0], length_s))
        even.append(boundary_errors(known, np.linspace(0, length_s, len(known), endpoint=False).tolist(), length_s))
    for index, name in enumerate(("Pk", "WindowDiff")):
        means = [float(np.mean([pair[index] for pair in pairs])) for pairs in (ours, nothing, even)]
        yield Figure(
            PART, f"chapters, {name}", means[0], "",
            f"{len(ours)} films; no boundaries {means[1]:.3f}, evenly spread {means[2]:.3f}",
            "Pk (Beeferman, Berger and Lafferty, 1999) and WindowDiff (Pevzner and Hearst, 2002) on seconds; the "
            "window is half the mean chapter; 0 is perfect. Baselines: no boundaries, and the right number evenly "
            "spread. `summary.min_chapter_s` is 15, because the films are short", "the chapters of the script", "lower",
        )  # fmt: skip


def _headlines(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    titled, right, untitled, false = 0, 0, 0, 0
    for film in films:
        headline = videos[film.path.name].summary["headline"]
        title = next((scene.title for scene in film.script.scenes if scene.title), "")
        if title:
            titled += 1
            right += headline == title
        else:
            untitled += 1
            # Words on a slide, a photograph or a lower third name a part of the film.
            false += headline in {line for scene in film.script.scenes for line in scene.written}
    yield Figure(
        PART, "headline is the title slide's", right / max(1, titled), "%", f"{titled} films with a title slide",
        "share of films whose headline is exactly the title", "the title slide of the script", "higher", 0.8,
    )  # fmt: skip
    yield Figure(
        PART, "other text taken for a title", float(false), "", f"{untitled} films without a title slide",
        "films whose headline is the heading of one slide or a caption", "everything written in the script", "lower", 0,
    )  # fmt: skip


def _topics(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> Iterator[Figure]:
    """Measure topics on all films, and on every other one, on which nothing was tuned."""
    english = sorted((film for film in films if film.truth.language == "en"), key=lambda film: film.script.name)
    with_topics = [film for film in english if any(scene.topics for scene, _ in film.scenes)]
    yield from _topics_of(with_topics, videos, "")
    yield from _topics_of([film for film in with_topics if film.script.name in _NOT_TUNED_ON], videos, ", other half")
    yield from _calibration_of_texts()


def _topics_of(films: Sequence[KnownFilm], videos: Mapping[str, Video], half: str) -> Iterator[Figure]:
    accepted = tomllib.loads((FOLDER / "topics.toml").read_text("utf-8"))
    names, right, scores, hits = [], [], [], []
    for film in films:
        for scene, span in film.scenes:
            if not scene.topics:
                continue
            found = _scene_at(videos[film.path.name].scenes, span)["topics"] or []
            names.append([topic["label"] for topic in found])
            right.append(frozenset(name for topic in scene.topics for name in accepted[topic]))
            scores += [topic["score"] for topic in found[:1]]
            hits += [topic["label"] in right[-1] for topic in found[:1]]
    silent = sum(not found for found in names)
    yield Figure(
        PART, f"topic right where one is named, first{half}", sum(hits) / max(1, len(hits)), "%", f"{len(hits)} scenes",
        "share of first topics that are right; scenes without a topic (see `topics.min_score`) are left out",
        _TOPICS, "higher",
    )  # fmt: skip
    for count in (1, 3):
        yield Figure(
            PART, f"topic right, first {count}{half}".replace("first 1", "first"), accuracy_at(names, right, count),
            "%", f"{len(names)} scenes, {silent} without a topic",
            "share of true scenes for which the scene of the lake that overlaps it most names a right topic",
            _TOPICS, "higher", 0.6 if count == 1 else None,
        )  # fmt: skip
    if scores:
        calibration = Calibration.of(scores, hits, _BINS)
        yield Figure(
            PART, f"topic scores, calibration error{half}", calibration.error, "",
            calibration.over("first topics"),
            f"expected calibration error of the first topic's score, in {_BINS} bins of equally many scenes",
            "whether the topic is right", "lower",
        )  # fmt: skip


def _calibration_of_texts() -> Iterator[Figure]:
    """Measure calibration where there are enough texts to do so: a perfect model has 0.1 with the films' scenes."""
    for model in ENCODERS:
        found = held_out_calibration(model)
        yield Figure(
            PART, f"topic scores of known texts, calibration error, {model.removeprefix('embedded:')}",
            found.error, "", found.over("texts"),
            "expected calibration error of the first topic's score, in ten bins of equally many texts that nothing was "
            "tuned on", "the known topics of sentences and passages (`benchmarks/topics.py`)", "lower", 0.08,
        )  # fmt: skip


def _scene_at(scenes: Sequence[Row], span: tuple[float, float]) -> Row:
    return max(scenes, key=lambda row: min(row["end_s"], span[1]) - max(row["start_s"], span[0]))


def _cost(videos: Mapping[str, Video]) -> Iterator[Figure]:
    seconds: dict[str, float] = {}
    for video in videos.values():
        for step, spent_s in video.row["timings_s"]:
            seconds[step] = seconds.get(step, 0.0) + spent_s
    main_s = sum(spent_s for step, spent_s in seconds.items() if step in MAIN_STEPS)
    extra = {step: spent_s for step, spent_s in seconds.items() if step not in MAIN_STEPS}
    listed = ", ".join(f"{step} {spent_s:.1f} s" for step, spent_s in sorted(extra.items(), key=lambda pair: -pair[1]))
    yield Figure(
        PART, "cost of understanding", sum(extra.values()) / max(main_s, 1e-9), "%",
        f"{len(videos)} videos, {sum(video.row['duration_s'] for video in videos.values()):.0f} s; {listed}; "
        f"all other steps {main_s:.0f} s",
        "compute time of speakers, scenes, fusion, topics and summaries over all other steps",
        "the times in `videos.timings_s`", "lower", 0.15,
    )  # fmt: skip
