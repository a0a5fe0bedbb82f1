"""Queries about the films, with the moments that answer them."""

from collections.abc import Mapping, Sequence

from benchmarks.material.analysed import Video
from benchmarks.material.films import KnownFilm
from benchmarks.material.script import CrossLingualAsk, picture_asks
from benchmarks.measures.retrieval import Question, Span


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
    """Return the queries in English, or those in other languages.

    The answer of a query about a scene is that scene. The answers of a query about images are all scenes that show one
    of them.
    """
    scenes = [
        (film, scene, Span(videos[film.path.name].id, *span_s)) for film in films for scene, span_s in film.scenes
    ]
    asked = []
    for film, scene, span in scenes:
        if (film.script.language == "en") is not english:
            continue
        for ask in scene.asks:
            answers = [span]
            if ask.needs == "frame":
                answers = [other for _, each, other in scenes if (each.photo, each.clip) == (scene.photo, scene.clip)]
            asked.append(Question(ask.text, ask.needs, tuple(answers)))
    for picture in picture_asks() if english else ():
        answers = [
            span for _, scene, span in scenes if scene.photo in picture.pictures or scene.clip in picture.pictures
        ]
        if answers:
            asked.append(Question(picture.text, "frame", tuple(answers)))
    return asked
