"""Queries about the films, with the moments that answer them, and which of them search may be tuned on.

The queries in the scripts are split by a digest of their text, so that a new query changes no other half. Weights
and thresholds are tuned on the half `tuned_on`. Figures come from the other half, and from `held_out.toml`, on which
nothing may be tuned.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

from benchmarks.material.analysed import Video
from benchmarks.material.films import KnownFilm
from benchmarks.material.script import CrossLingualAsk, ListedAsk, SceneScript, listed_asks, picture_asks
from benchmarks.measures.retrieval import Question, Span

PlacedScene = tuple[KnownFilm, SceneScript, Span]


def cross_lingual_questions(
    films: Sequence[KnownFilm], videos: Mapping[str, Video], asks: Sequence[CrossLingualAsk]
) -> list[Question]:
    """Return queries in one language about speech in another; the language of the query is what they need.

    Raises:
        ValueError: The answer of a query is not said in exactly one scene.
    """
    scenes = [(film, scene, span_s) for film in films for scene, span_s in film.scenes]
    asked = []
    for ask in asks:
        found = [(film, span_s) for film, scene, span_s in scenes if ask.answer in " ".join(scene.say)]
        if len(found) != 1:
            raise ValueError(f"“{ask.answer}” is said in {len(found)} scenes.")
        [(film, span_s)] = found
        asked.append(Question(ask.text, ask.language, (Span(videos[film.path.name].id, *span_s),)))
    return asked


def questions(films: Sequence[KnownFilm], videos: Mapping[str, Video], *, english: bool = True) -> list[Question]:
    """Return the queries of the scripts in English, or those in other languages.

    The answer of a query about a scene is that scene. The answers of a query about images are all scenes that show one
    of them.
    """
    scenes = _scenes(films, videos)
    asked = []
    for film, scene, span in scenes:
        if (film.script.language == "en") is not english:
            continue
        for ask in scene.asks:
            shown = (scene.photo, scene.clip)
            answers = [span] if ask.needs != "frame" else _showing(scenes, [each for each in shown if each])
            asked.append(Question(ask.text, ask.needs, tuple(answers)))
    for picture in picture_asks() if english else ():
        answers = _showing(scenes, picture.pictures)
        if answers:
            asked.append(Question(picture.text, "frame", tuple(answers)))
    return asked


def listed_questions(
    films: Sequence[KnownFilm], videos: Mapping[str, Video], file: Literal["held_out.toml", "exact.toml"]
) -> list[Question]:
    """Return the queries of a file: those that nothing was tuned on, or exact words."""
    scenes = _scenes(films, videos)
    return [Question(ask.text, ask.needs, _answers(ask, scenes)) for ask in listed_asks(file)]


def tuned_on(question: Question) -> bool:
    """Tell whether search may be tuned on a query of the scripts: half of them, by their digest."""
    return hashlib.sha256(question.text.encode()).digest()[0] % 2 == 0


def _answers(ask: ListedAsk, scenes: Sequence[PlacedScene]) -> tuple[Span, ...]:
    named = [span for film, scene, span in scenes if f"{film.script.name}: {scene.name}" in ask.answers]
    return (*named, *_showing(scenes, ask.pictures))


def _showing(scenes: Sequence[PlacedScene], pictures: Sequence[str]) -> list[Span]:
    return [span for _, scene, span in scenes if scene.photo in pictures or scene.clip in pictures]


def _scenes(films: Sequence[KnownFilm], videos: Mapping[str, Video]) -> list[PlacedScene]:
    return [(film, scene, Span(videos[film.path.name].id, *span_s)) for film in films for scene, span_s in film.scenes]
