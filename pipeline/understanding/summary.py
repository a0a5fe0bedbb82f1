"""The summary: sentences taken from speech, screen and pictures, each with the evidence it rests on."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

import numpy as np

from pipeline.understanding.captions import title_line
from pipeline.understanding.chapters import make_chapters
from pipeline.understanding.highlights import find_highlights, storyboard
from pipeline.understanding.scenes import aggregate_labels
from pipeline.understanding.selection import centrality, choose_diverse
from pipeline.understanding.statements import Statement, shown_statements, spoken_statements
from pipeline.understanding.words import clean, shortened
from schemas.config import SummaryConfig
from schemas.records import Keyframe, Scene, Shot, Summary, SummarySentence, Utterance, frame_id

_HEADLINE_LENGTH = 90
_EARLY = 0.15
"""What is said first often says what it is about: up to so much is added to its score."""
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
    spoken = spoken_statements(utterances, keyframes, video_id)
    shown = shown_statements(scenes, keyframes, video_id)
    share = sum(each.end_s - each.start_s for each in spoken) / max(duration_s, 1e-9)
    chosen = _choose(spoken, config.sentences, config.redundancy)
    if share < _TALKATIVE:
        chosen += _choose(_informative(shown), config.sentences - len(chosen), config.redundancy)
    chosen.sort(key=lambda pair: (pair[0].start_s, pair[0].end_s))
    return Summary(
        headline=_headline(spoken, shown, keyframes, share, uri),
        sentences=tuple(SummarySentence(each.text, round(score, 4), each.evidence) for each, score in chosen),
        chapters=make_chapters(scenes, keyframes, spoken, duration_s=duration_s, min_chapter_s=config.min_chapter_s),
        highlights=find_highlights(spoken, keyframes, shots, duration_s=duration_s, count=config.highlights),
        keyframe_ids=tuple(frame_id(video_id, frame.index) for frame in storyboard(keyframes, config.keyframes)),
        topics=(),
        labels=aggregate_labels(keyframes) if keyframes else (),
    )


def _choose(statements: Sequence[Statement], count: int, redundancy: float) -> list[tuple[Statement, float]]:
    if not statements or count <= 0:
        return []
    vectors = np.stack([each.vector for each in statements])
    scores = _scores(statements, vectors)
    return [(statements[place], float(scores[place])) for place in choose_diverse(vectors, scores, count, redundancy)]


def _scores(statements: Sequence[Statement], vectors: np.ndarray) -> np.ndarray:
    weights = np.array([each.weight for each in statements])
    early = np.exp(-np.arange(len(statements)) / max(1.0, len(statements) / 10))
    central = centrality(vectors, weights) if vectors.shape[1] else np.ones(len(statements))
    return np.asarray(np.clip(weights * (central + _EARLY * early), 1e-6, 1.0))


def _informative(shown: Sequence[Statement]) -> list[Statement]:
    """Return what pictures show, each text once; those in which nothing was recognised only if there is no other."""
    unique = list({each.text: each for each in reversed(shown)}.values())[::-1]
    return [each for each in unique if each.weight > 0.3] or unique


def _headline(
    spoken: Sequence[Statement],
    shown: Sequence[Statement],
    keyframes: Sequence[Keyframe],
    share: float,
    uri: str,
) -> str:
    title = _opening_title(keyframes)
    if title:
        return shortened(title, _HEADLINE_LENGTH)
    fit = [each for each in spoken if each.weight >= 0.4]
    if fit and (share >= _TALKATIVE or not shown):
        vectors = np.stack([each.vector for each in fit])
        return shortened(fit[int(np.argmax(_scores(fit, vectors)))].text, _HEADLINE_LENGTH)
    informative = [each for each in _informative(shown) if each.weight > 0.3]
    if informative:
        return shortened(max(informative, key=lambda each: each.weight).text, _HEADLINE_LENGTH)
    return shortened(spoken[0].text, _HEADLINE_LENGTH) if spoken else _from_name(uri)


def _opening_title(keyframes: Sequence[Keyframe]) -> str:
    """Return a large line of text on the first keyframes, as a title card or first slide has."""
    for frame in keyframes[:2]:
        line = title_line(frame.text_lines)
        if line and line.score >= 0.85 and line.box[3] - line.box[1] >= 0.06 and len(line.text) >= 6:
            return line.text
    return ""


def _from_name(uri: str) -> str:
    name = PurePosixPath(unquote(uri.replace("\\", "/"))).name
    stem = name.rpartition(".")[0] or name
    return shortened(clean(re.sub(r"[_\-.]+", " ", stem)), _HEADLINE_LENGTH) or "Untitled"
