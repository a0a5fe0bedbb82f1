"""The summary: sentences taken from speech, screen and pictures, each with the evidence it rests on."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from pipeline.analysis.scenes import aggregate_labels, choose_diverse, lexrank, with_accents
from pipeline.analysis.summary.chapters import make_chapters
from pipeline.analysis.summary.headline import make_headline
from pipeline.analysis.summary.highlights import find_highlights
from pipeline.analysis.summary.statements import Statement, shown_statements, spoken_statements
from pipeline.analysis.summary.storyboard import storyboard
from schemas.config import SummaryConfig
from schemas.records import Chapter, Keyframe, Scene, Shot, Summary, SummarySentence, Utterance, frame_id

_OPENS = 0.3
"""What is said first in a scene often says what the scene is about: so much is added to its score."""
_TALKATIVE = 0.2
"""Share of a video with speech above which the summary is made of speech alone."""


def summarize(
    scenes: Sequence[Scene],
    shots: Sequence[Shot],
    keyframes: Sequence[Keyframe],
    utterances: Sequence[Utterance],
    *,
    video_id: str,
    duration_s: float,
    config: SummaryConfig,
    uri: str,
) -> Summary:
    """Summarise a video by extraction; nothing is said that was not said, written or seen.

    Args:
        scenes: They cover the video.
        shots: For the reasons of highlights.
        keyframes: With vectors, in order of time.
        utterances: With vectors, in order of time.
        video_id: Names utterances and frames in the evidence.
        duration_s: Length of the video.
        config: How much of everything.
        uri: Gives the headline where nothing else does.

    Returns:
        The summary; its headline is never empty.
    """
    keyframes = with_accents(keyframes, utterances)
    spoken = spoken_statements(utterances, keyframes, shots, video_id)
    shown = shown_statements(scenes, shots, keyframes, duration_s, video_id)
    scores = _scores(spoken, scenes)
    talkative = sum(each.end_s - each.start_s for each in spoken) >= _TALKATIVE * duration_s
    headline = make_headline(
        spoken, scores, keyframes, shots, talkative=talkative, duration_s=duration_s, uri=uri,
    )  # fmt: skip
    chapters = make_chapters(
        scenes, keyframes, spoken, duration_s=duration_s, min_chapter_s=config.min_chapter_s, headline=headline,
    )  # fmt: skip
    chosen = _choose(spoken, scores, chapters, config.sentences, config.redundancy)
    if not talkative or not chosen:
        weights = np.array([each.weight for each in shown])
        chosen += _choose(shown, weights, chapters, config.sentences - len(chosen), config.redundancy)
    chosen.sort(key=lambda pair: (pair[0].start_s, pair[0].end_s))
    return Summary(
        headline=headline,
        sentences=tuple(SummarySentence(each.text, round(score, 4), each.evidence) for each, score in chosen),
        chapters=chapters,
        highlights=find_highlights(spoken, scores, keyframes, shots, duration_s=duration_s, count=config.highlights),
        keyframe_ids=tuple(frame_id(video_id, frame.index) for frame in storyboard(keyframes, config.keyframes)),
        topics=(),
        labels=aggregate_labels(keyframes) if keyframes else (),
    )


def _choose(
    statements: Sequence[Statement], scores: np.ndarray, chapters: Sequence[Chapter], count: int, redundancy: float
) -> list[tuple[Statement, float]]:
    """Choose statements that are central, do not repeat each other, and come from as many chapters as there are."""
    if not statements or count <= 0:
        return []
    starts_s = [chapter.start_s for chapter in chapters]
    places = np.array([bisect_right(starts_s, each.start_s) for each in statements])
    vectors = np.stack([each.vector for each in statements])
    chosen = choose_diverse(vectors, scores, count, redundancy, groups=places)
    return [(statements[place], float(scores[place])) for place in chosen]


def _scores(statements: Sequence[Statement], scenes: Sequence[Scene]) -> np.ndarray:
    """Return how well each sentence says what the video is about: fit, central, and opening a scene."""
    if not statements:
        return np.zeros(0)
    vectors = np.stack([each.vector for each in statements])
    weights = np.array([each.weight for each in statements])
    ends_s = [scene.end_s for scene in scenes]
    places = np.array([bisect_right(ends_s, (each.start_s + each.end_s) / 2) for each in statements])
    opens = np.diff(places, prepend=-1) > 0
    central = lexrank(vectors, weights) if vectors.shape[1] else np.ones(len(statements))
    return np.asarray(np.clip(weights * (central + _OPENS * opens), 1e-6, 1.0))
