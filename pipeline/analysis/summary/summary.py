"""The summary: sentences from speech, on-screen text and frames, each with its evidence."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.description import with_accents, with_usual_readings, without_running_lines
from pipeline.analysis.scenes import Subject, VideoContent, aggregate_labels, choose_diverse, lexrank
from pipeline.analysis.summary.abstract import Abstract
from pipeline.analysis.summary.chapters import make_chapters
from pipeline.analysis.summary.headline import make_headline
from pipeline.analysis.summary.highlights import find_highlights
from pipeline.analysis.summary.statements import Statement, shown_statements, spoken_statements
from pipeline.analysis.summary.storyboard import storyboard
from schemas.config import SummaryConfig
from schemas.records import Chapter, Highlight, Label, Scene, Summary, SummarySentence, frame_id

_OPENING_BONUS = 0.3
"""Added to the score of the first sentence of a scene, which often introduces its subject."""
_TALKATIVE = 0.2
"""Minimum share of speech, other than lyrics, in a video whose summary is made from speech alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Extract:
    """The extractive part of a summary: only what was said, written or seen."""

    headline: str
    """Never empty."""
    sentences: tuple[SummarySentence, ...]
    chapters: tuple[Chapter, ...]
    highlights: tuple[Highlight, ...]
    keyframe_ids: tuple[str, ...]
    labels: tuple[Label, ...]


def extract_summary(
    scenes: Sequence[Scene], video: VideoContent, *, video_id: str, uri: str, config: SummaryConfig
) -> Extract:
    """Find the headline, sentences, chapters, highlights and keyframes of a summary.

    Args:
        scenes: They cover the video.
        video: What was seen and heard.
        video_id: Part of the ids of utterances and frames in the evidence.
        uri: Gives the headline if nothing else does.
        config: How many sentences, highlights and keyframes, and how long chapters are.
    """
    shots, utterances, duration_s = video.shots, video.utterances, video.duration_s
    read = with_accents(video.keyframes, utterances)
    keyframes = with_usual_readings(without_running_lines(read))
    spoken = spoken_statements(utterances, keyframes, shots, video_id, video.entities)
    shown = shown_statements(scenes, shots, keyframes, duration_s, video_id)
    scores = _scores(spoken, scenes)
    talkative = sum(each.end_s - each.start_s for each in spoken if not each.sung) >= _TALKATIVE * duration_s
    headline = make_headline(
        spoken, scores, read, utterances, shots,
        sounds=video.sounds, talkative=talkative, duration_s=duration_s, uri=uri,
    )  # fmt: skip
    chapters = make_chapters(
        scenes, keyframes, spoken, duration_s=duration_s, min_chapter_s=config.min_chapter_s, headline=headline,
    )  # fmt: skip
    chosen = _choose(spoken, scores, chapters, config.sentences, config.redundancy)
    if not talkative or not chosen:
        weights = np.array([each.weight for each in shown])
        chosen += _choose(shown, weights, chapters, config.sentences - len(chosen), config.redundancy)
    chosen.sort(key=lambda pair: (pair[0].start_s, pair[0].end_s))
    return Extract(
        headline=headline,
        sentences=tuple(SummarySentence(each.text, round(score, 4), each.evidence) for each, score in chosen),
        chapters=chapters,
        highlights=find_highlights(spoken, scores, keyframes, shots, duration_s=duration_s, count=config.highlights),
        keyframe_ids=tuple(frame_id(video_id, frame.index) for frame in storyboard(keyframes, config.keyframes)),
        labels=aggregate_labels(keyframes) if keyframes else (),
    )


def build_summary(extract: Extract, subject: Subject, abstract: Abstract) -> Summary:
    """Put together everything that was found for a summary.

    Args:
        extract: The extractive part.
        subject: Topics and keyphrases of the video.
        abstract: Empty if no model writes one.
    """
    return Summary(
        headline=extract.headline,
        sentences=extract.sentences,
        chapters=extract.chapters,
        highlights=extract.highlights,
        keyframe_ids=extract.keyframe_ids,
        topics=subject.topics,
        keyphrases=subject.keyphrases,
        labels=extract.labels,
        abstract=abstract.sentences,
        abstract_source=abstract.source,
        abstract_dropped=abstract.dropped,
    )


def _choose(
    statements: Sequence[Statement], scores: np.ndarray, chapters: Sequence[Chapter], count: int, redundancy: float
) -> list[tuple[Statement, float]]:
    """Choose central statements that do not repeat each other and cover as many chapters as possible."""
    if not statements or count <= 0:
        return []
    starts_s = [chapter.start_s for chapter in chapters]
    chapter_of = np.array([bisect_right(starts_s, each.start_s) for each in statements])
    vectors = np.stack([each.vector for each in statements])
    chosen = choose_diverse(vectors, scores, count, redundancy, groups=chapter_of)
    return [(statements[index], float(scores[index])) for index in chosen]


def _scores(statements: Sequence[Statement], scenes: Sequence[Scene]) -> np.ndarray:
    """Return the score of each sentence, (n,): its weight times its centrality, more if it opens a scene."""
    if not statements:
        return np.zeros(0)
    vectors = np.stack([each.vector for each in statements])
    weights = np.array([each.weight for each in statements])
    ends_s = [scene.end_s for scene in scenes]
    scene_of = np.array([bisect_right(ends_s, (each.start_s + each.end_s) / 2) for each in statements])
    opens = np.diff(scene_of, prepend=-1) > 0
    central = lexrank(vectors, weights) if vectors.shape[1] else np.ones(len(statements))
    return np.asarray(np.clip(weights * (central + _OPENING_BONUS * opens), 1e-6, 1.0))
