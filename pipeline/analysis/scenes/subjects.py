"""What scenes and the video are about: topics of the taxonomy, and keyphrases, all encoded in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import weighted_mean
from pipeline.analysis.scenes.keyphrases import Passage, candidates, choose_keyphrases
from pipeline.analysis.scenes.topics import Encoder, TopicSpace, by_share, either, strongest
from schemas.config import KeyphrasesConfig, TopicsConfig
from schemas.records import Keyframe, Label, Scene, Utterance

_A_SCENE, _A_VIDEO, _ALL = 24, 40, 400
"""Candidates of a scene, of the video, and altogether at most: what is encoded."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What was found."""

    scenes: tuple[Scene, ...]
    """With topics and keyphrases."""
    topics: tuple[Label, ...]
    """Of the video."""
    keyphrases: tuple[Label, ...]
    """Of the video."""


def find_subjects(
    scenes: Sequence[Scene],
    keyframes: Sequence[Keyframe],
    utterances: Sequence[Utterance],
    *,
    encoder: Encoder,
    space: TopicSpace | None,
    topics: TopicsConfig,
    keyphrases: KeyphrasesConfig,
) -> Subjects:
    """Find topics and keyphrases of scenes and of their video.

    Args:
        scenes: They cover the video.
        keyframes: With labels and text on screen, in order of time.
        utterances: In order of time; doubtful ones give no keyphrases.
        encoder: The one that made the scenes' text vectors.
        space: The taxonomy by the same encoder; None: no topics.
        topics: How many, and how sure.
        keyphrases: How many, and how diverse.
    """
    seconds = [scene.end_s - scene.start_s for scene in scenes]
    texts = np.stack([scene.text_embedding for scene in scenes]) if scenes else np.zeros((0, 1), np.float32)
    of_scenes: list[tuple[Label, ...]] = [()] * len(scenes)
    of_video: tuple[Label, ...] = ()
    if space is not None and scenes:
        scores = either(space.of_texts(texts), _seen(scenes, keyframes, space))
        overall = by_share(scores, seconds, min_score=topics.min_score)
        *of_scenes, of_video = (
            strongest(space.names, row, count=topics.count, min_score=topics.min_score) for row in (*scores, overall)
        )
    phrases = _keyphrases(texts, seconds, _passages(scenes, keyframes, utterances), encoder, keyphrases)
    described = [
        replace(scene, topics=found, keyphrases=said)
        for scene, found, said in zip(scenes, of_scenes, phrases[1:], strict=True)
    ]
    return Subjects(tuple(described), of_video, phrases[0])


def _seen(scenes: Sequence[Scene], keyframes: Sequence[Keyframe], space: TopicSpace) -> NDArray[np.float64]:
    """Return how likely each scene's pictures are about each topic, (scenes, topics): the mean over its keyframes."""
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
    config: KeyphrasesConfig,
) -> list[tuple[Label, ...]]:
    """Return the keyphrases of the video, then of each scene."""
    if config.count == 0 or not passages:
        return [()] * (len(passages) + 1)
    all_passages = [passage for inside in passages for passage in inside]
    offered = [candidates(all_passages, _A_VIDEO)]
    fewer = max(4, min(_A_SCENE, _ALL // len(passages)))
    offered += [candidates(inside, fewer) for inside in passages]
    distinct = list(dict.fromkeys(phrase for phrases in offered for phrase in phrases))
    vectors = dict(zip(distinct, encoder.encode(distinct), strict=True))
    about = [weighted_mean(list(texts), seconds, texts.shape[1]), *texts]
    return [
        choose_keyphrases(phrases, vectors, vector, count=config.count, diversity=config.diversity)
        for phrases, vector in zip(offered, about, strict=True)
    ]


def _passages(
    scenes: Sequence[Scene], keyframes: Sequence[Keyframe], utterances: Sequence[Utterance]
) -> list[list[Passage]]:
    """Return what is said and written in each scene; the lines of a text that stays on screen once."""
    starts = [scene.start_s for scene in scenes]
    inside: list[list[Passage]] = [[] for _ in scenes]
    for utterance in utterances:
        if not utterance.flags:
            place = int(np.searchsorted(starts, (utterance.start_s + utterance.end_s) / 2, side="right")) - 1
            inside[max(0, place)].append(Passage(utterance.text, utterance.language))
    languages = [utterance.language for utterance in utterances]
    spoken = max(set(languages), key=languages.count) if languages else None
    seen: list[set[str]] = [set() for _ in scenes]
    for frame in keyframes:
        place = max(0, int(np.searchsorted(starts, frame.time_s, side="right")) - 1)
        new = [line.text for line in frame.text_lines if line.text not in seen[place]]
        seen[place].update(new)
        inside[place] += [Passage(text, spoken) for text in new]
    return inside
