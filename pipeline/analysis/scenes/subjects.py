"""The subjects of scenes and videos: topics of the taxonomy, and keyphrases, all encoded in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import weighted_mean
from pipeline.analysis.scenes.content import SceneContent, VideoContent
from pipeline.analysis.scenes.keyphrases import Passage, Tagger, candidates, choose_keyphrases, phrases_in
from pipeline.analysis.scenes.topics import Encoder, TopicSpace, by_share, either, strongest
from schemas.config import KeyphrasesConfig, TopicsConfig
from schemas.records import Keyframe, Label

_MAX_OF_SCENE, _MAX_OF_VIDEO, _MAX_TOTAL = 24, 40, 400
"""Limits on the candidates for keyphrases, all of which are encoded."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a scene or a video is about."""

    topics: tuple[Label, ...] = ()
    keyphrases: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subject of a video and of each of its scenes."""

    video: Subject
    scenes: tuple[Subject, ...]


def find_subjects(
    scenes: Sequence[SceneContent],
    video: VideoContent,
    *,
    encoder: Encoder,
    space: TopicSpace | None,
    topics: TopicsConfig,
    keyphrases: KeyphrasesConfig,
    tagger: Tagger | None = None,
) -> Subjects:
    """Find topics and keyphrases of a video and its scenes.

    Args:
        scenes: They cover the video.
        video: What was seen and heard; doubtful utterances give no keyphrases.
        encoder: The one that made the scenes' text vectors.
        space: The taxonomy, encoded by `encoder`; None: no topics.
        topics: How many topics, and their minimum score.
        keyphrases: How many keyphrases, and how diverse.
        tagger: Tells nouns in English; None: rules do.
    """
    seconds = [scene.end_s - scene.start_s for scene in scenes]
    texts = np.stack([scene.text_embedding for scene in scenes]) if scenes else np.zeros((0, 1), np.float32)
    of_scenes: list[tuple[Label, ...]] = [()] * len(scenes)
    of_video: tuple[Label, ...] = ()
    if space is not None and scenes:
        scores = either(space.of_scenes(texts, seconds), _topics_of_frames(scenes, video.keyframes, space))
        overall = by_share(scores, seconds, min_score=topics.min_score)
        *of_scenes, of_video = (
            strongest(space.names, row, count=topics.count, min_score=topics.min_score) for row in (*scores, overall)
        )
    phrases = _keyphrases(texts, seconds, _passages(scenes, video), encoder, config=keyphrases, tagger=tagger)
    about = tuple(Subject(*found) for found in zip(of_scenes, phrases[1:], strict=True))
    return Subjects(Subject(of_video, phrases[0]), about)


def _topics_of_frames(
    scenes: Sequence[SceneContent], keyframes: Sequence[Keyframe], space: TopicSpace
) -> NDArray[np.float64]:
    """Return the probability of each topic by the frames of a scene, (scenes, topics): the mean over its keyframes."""
    frames = space.of_labels([frame.labels for frame in keyframes])
    times = np.array([frame.time_s for frame in keyframes])
    edges = np.searchsorted(times, [*(scene.start_s for scene in scenes), np.inf])
    sums = np.concatenate([np.zeros((1, len(space.names))), np.cumsum(frames, axis=0)])
    counts = np.diff(edges)[:, None]
    return np.asarray((sums[edges[1:]] - sums[edges[:-1]]) / np.maximum(counts, 1))


def _keyphrases(
    texts: NDArray[np.float32],
    seconds: Sequence[float],
    passages: Sequence[Sequence[Passage]],
    encoder: Encoder,
    *,
    config: KeyphrasesConfig,
    tagger: Tagger | None,
) -> list[tuple[Label, ...]]:
    """Return the keyphrases of the video, then of each scene."""
    if config.count == 0 or not passages:
        return [()] * (len(passages) + 1)
    found = iter(phrases_in([passage for inside in passages for passage in inside], tagger))
    of_scenes = [[phrase for _ in inside for phrase in next(found)] for inside in passages]
    offered = [candidates([phrase for phrases in of_scenes for phrase in phrases], _MAX_OF_VIDEO)]
    max_of_scene = max(4, min(_MAX_OF_SCENE, _MAX_TOTAL // len(passages)))
    offered += [candidates(phrases, max_of_scene) for phrases in of_scenes]
    distinct = list(dict.fromkeys(phrase for phrases in offered for phrase in phrases))
    vectors = dict(zip(distinct, encoder.encode(distinct), strict=True))
    targets = [weighted_mean(list(texts), seconds, texts.shape[1]), *texts]
    return [
        choose_keyphrases(phrases, vectors, target, count=config.count, diversity=config.diversity)
        for phrases, target in zip(offered, targets, strict=True)
    ]


def _passages(scenes: Sequence[SceneContent], video: VideoContent) -> list[list[Passage]]:
    """Return the speech and on-screen text of each scene; a line that stays on screen counts once."""
    starts = [scene.start_s for scene in scenes]
    inside: list[list[Passage]] = [[] for _ in scenes]
    for utterance in video.utterances:
        if not utterance.flags:
            index = int(np.searchsorted(starts, (utterance.start_s + utterance.end_s) / 2, side="right")) - 1
            inside[max(0, index)].append(Passage(utterance.text, utterance.language))
    languages = [utterance.language for utterance in video.utterances]
    spoken = max(set(languages), key=languages.count) if languages else None
    seen: list[set[str]] = [set() for _ in scenes]
    for frame in video.keyframes:
        index = max(0, int(np.searchsorted(starts, frame.time_s, side="right")) - 1)
        new = [line.text for line in frame.text_lines if line.text not in seen[index]]
        seen[index].update(new)
        inside[index] += [Passage(text, spoken) for text in new]
    return inside
