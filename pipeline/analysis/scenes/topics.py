"""Zero-shot topics: the probability that a text, or a frame with its labels, is about each topic of a taxonomy.

A topic is the mean of the vectors of its name, description and examples, as prompts are averaged for CLIP (Radford et
al. 2021). A text is about topic k with probability `p(k) = exp(s_k / T) / (exp(c / T) + sum_j exp(s_j / T))`. Here s
are cosines after subtracting the taxonomy's mean vector, j runs over all topics and background phrases, and c is a
constant for texts that resemble none of them. The temperature T (Guo et al. 2017) is fitted on the taxonomy itself:
each phrase is scored by a topic made without it. So it suits any encoder and any taxonomy.

People talk around a topic more than the phrases of a taxonomy do, so p(k) alone is no probability: low ones are too
low, high ones too high. `calibrated` maps it to one (Platt 1999). Its constants are fitted on one half of the texts of
`benchmarks/topics.py`, which measures the calibration on the other half.

Scenes around a scene are evidence, too: a scene of a talk about energy is probably about energy. `of_scenes` adds to
s the weighted mean of the cosines of the other scenes, the less the farther away they are.

A frame is about topic k with probability `sum_l p(l) p(k | l)` over its labels l (Lampert et al. 2009). p(k | l) is
that of the name of the label's family as a text: `dogs` says more than the name of a breed.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.description import NAMES_OF_TEXT, family
from pipeline.analysis.taxonomy import Taxonomy
from pipeline.models import cached_array
from schemas.records import Label

_UNLIKE_ALL = 0.2
"""c: a text whose cosines to all topics are lower is probably about none."""
_CONTEXT, _NEAR_S, _ENOUGH_S = 1.0, 60.0, 20.0
"""Weight of the scenes around a scene; how far they reach; and how much of them, in seconds, has half of that weight.
Tuned on every other film of `benchmarks/quality.py`, see its figures."""
_SLOPE, _FIRST, _OTHERS = 0.67, 0.65, -0.34
"""Of the calibration: factor of the log-odds; what is added for a text's first topic, and for its other topics."""
_TEMPERATURES = np.geomspace(0.005, 0.5, 93)
_DEFAULT_TEMPERATURE = 0.04
_PROMPT = "a photo of {}"
_WORN = frozenset({"suits and ties", "T-shirt", "jeans", "jersey", "sweatshirt", "cardigan", "sunglasses"})
"""Clothes, which a small vision model predicts for people whatever the topic."""


class Encoder(Protocol):
    """Turns texts into unit vectors, like `pipeline.analysis.text.TextEncoder`."""

    @property
    def recipe(self) -> str:
        """Everything that the vectors depend on."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, d) of unit length; zeros for an empty text."""


class TopicSpace:
    """A taxonomy in the vector space of one text encoder. Made once per worker and encoder.

    Args:
        taxonomy: The topics.
        encoder: Encodes the topics, and the names of labels when they first occur.
        calibrate: False: scores of texts are those of the softmax, as fitting the calibration needs them.
    """

    def __init__(self, taxonomy: Taxonomy, encoder: Encoder, *, calibrate: bool = True) -> None:
        self._calibrate = calibrated if calibrate else np.asarray
        self.names = tuple(topic.name for topic in taxonomy.topics)
        self._encoder = encoder
        phrases = [phrase for topic in taxonomy.topics for phrase in topic.phrases]
        self._owner = np.repeat(np.arange(len(self.names)), [len(topic.phrases) for topic in taxonomy.topics])
        vectors = self._encoded([*phrases, *taxonomy.background])
        own, background = vectors[: len(phrases)], vectors[len(phrases) :]
        self._middle = own.mean(axis=0) if len(self.names) > 1 else np.zeros(own.shape[1])
        sums = np.zeros((len(self.names), own.shape[1]))
        np.add.at(sums, self._owner, own)
        self._topics = self._centred(_unit(sums))
        self._background = self._centred(background)
        self.temperature = self._fit_temperature(own, sums)
        self._of_name: dict[str, NDArray[np.float64]] = {}

    def of_texts(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability that each text is about each topic.

        Args:
            vectors: (n, d) of the encoder, of unit length; zeros for an empty text.

        Returns:
            (n, topics), calibrated, so several topics of a text may be probable; zeros for an empty text.
        """
        return self._calibrate(self._of_similarities(*self._similarities(vectors), vectors))

    def of_scenes(self, vectors: NDArray[np.float32], seconds: Sequence[float]) -> NDArray[np.float64]:
        """Return the probability that each scene of a video is about each topic, by its text and those around it.

        Args:
            vectors: (n, d), as for `of_texts`, in order of time.
            seconds: Length of each scene.

        Returns:
            (n, topics), as by `of_texts`; zeros for a scene without text. A video of one scene has no other evidence.
        """
        context = _context(np.asarray(seconds, np.float64), np.any(np.asarray(vectors) != 0, axis=1))
        topics, background = self._similarities(vectors)
        return self._calibrate(
            self._of_similarities(topics + context @ topics, background + context @ background, vectors)
        )

    def _similarities(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        centred = self._centred(np.asarray(vectors, dtype=np.float64))
        return centred @ self._topics.T, centred @ self._background.T

    def _of_similarities(
        self, topics: NDArray[np.float64], background: NDArray[np.float64], vectors: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        found = self._probabilities(topics, background, self.temperature)
        return np.where(np.any(vectors != 0, axis=1)[:, None], found, 0.0)

    def of_labels(self, frames: Sequence[Sequence[Label]]) -> NDArray[np.float64]:
        """Return the probability that each frame is about each topic.

        Args:
            frames: Labels of each frame, with probabilities.

        Returns:
            (n, topics), the sum of a row is 1 or less.
        """
        shown = [_by_family(labels) for labels in frames]
        new = sorted({name for scores in shown for name in scores} - self._of_name.keys())
        for name in new:
            # The encoder reads a name alone and in a sentence differently; the mean is more robust. One name at a time,
            # because a vector depends a little on its batch, and must not depend on which videos came before.
            vectors = self._encoder.encode([name, _PROMPT.format(name)])
            self._of_name[name] = self._of_similarities(*self._similarities(vectors), vectors).mean(axis=0)
        found = np.zeros((len(frames), len(self.names)))
        for index, scores in enumerate(shown):
            for name, score in scores.items():
                found[index] += score * self._of_name[name]
        return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1.0))

    def _encoded(self, phrases: Sequence[str]) -> NDArray[np.float64]:
        """Encode the taxonomy once for all workers."""
        made = cached_array("taxonomy", (self._encoder.recipe, *phrases), lambda: self._encoder.encode(phrases))
        return np.asarray(made, dtype=np.float64)

    def _centred(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return _unit(vectors - self._middle)

    @staticmethod
    def _probabilities(
        topics: NDArray[np.float64], background: NDArray[np.float64], temperature: float
    ) -> NDArray[np.float64]:
        constant = np.full((len(topics), 1), _UNLIKE_ALL)
        logits = np.concatenate([topics, background, constant], axis=1) / temperature
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = weights[:, : topics.shape[1]] / weights.sum(axis=1, keepdims=True)
        return found

    def _fit_temperature(self, own: NDArray[np.float64], sums: NDArray[np.float64]) -> float:
        """Return the T that gives phrases the highest likelihood of their own topics (leave-one-out)."""
        counts = np.bincount(self._owner)[self._owner]
        scored = np.flatnonzero(counts > 1)
        if not len(scored) or len(self.names) < 2:
            return _DEFAULT_TEMPERATURE
        centred = self._centred(own[scored])
        similarities = centred @ self._topics.T
        without = self._centred(_unit(sums[self._owner[scored]] - own[scored]))
        similarities[np.arange(len(scored)), self._owner[scored]] = np.einsum("nd,nd->n", centred, without)
        to_background = centred @ self._background.T
        losses = []
        for temperature in _TEMPERATURES:
            found = self._probabilities(similarities, to_background, float(temperature))
            right = found[np.arange(len(scored)), self._owner[scored]]
            losses.append(-np.log(np.maximum(right, 1e-12)).mean())
        return float(_TEMPERATURES[int(np.argmin(losses))])


class TopicSpaces:
    """A taxonomy for all text encoders of a worker, encoded by each at its first use.

    Args:
        taxonomy: The topics.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._spaces: dict[str, TopicSpace] = {}

    def of(self, encoder: Encoder) -> TopicSpace:
        """Return the taxonomy in the vector space of an encoder."""
        if encoder.recipe not in self._spaces:
            self._spaces[encoder.recipe] = TopicSpace(self._taxonomy, encoder)
        return self._spaces[encoder.recipe]


def calibrated(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that a topic is right for a text, given what the softmax says (Platt 1999).

    The order of a text's topics stays. Others than its first topic are right less often than the same score says of a
    first one, because a text usually has one topic.

    Args:
        scores: (n, topics) of the softmax; 0 stays 0.
    """
    clipped = np.clip(scores, 0.0, 1.0 - 1e-9)
    offsets = np.full(clipped.shape, _OTHERS)
    offsets[np.arange(len(clipped)), clipped.argmax(axis=1)] = _FIRST
    odds = (clipped / (1.0 - clipped)) ** _SLOPE * np.exp(offsets)
    return np.asarray(odds / (1.0 + odds))


def either(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of either of two independent events: `1 - (1 - p)(1 - q)`."""
    return 1.0 - (1.0 - one) * (1.0 - other)


def strongest(names: Sequence[str], scores: NDArray[np.float64], *, count: int, min_score: float) -> tuple[Label, ...]:
    """Return the topics with the highest scores, the strongest first.

    Args:
        names: Of the topics.
        scores: (topics,).
        count: Maximum number of topics.
        min_score: Topics with a lower score are left out.
    """
    order = np.argsort(-scores, kind="stable")[:count]
    return tuple(Label(names[index], round(float(scores[index]), 4)) for index in order if scores[index] >= min_score)


def by_share(
    scenes: NDArray[np.float64], seconds: Sequence[float], *, min_score: float, full_share: float = 0.2
) -> NDArray[np.float64]:
    """Return the score of each topic for a video: that of its best scene, reduced if the topic covers little of it.

    `score = max_i p_i * min(1, share / full_share)`, where share is the share of the video's seconds in scenes in which
    the topic has at least `min_score`.

    Args:
        scenes: (scenes, topics) scores.
        seconds: Length of each scene.
        min_score: Minimum score for a scene to be about a topic.
        full_share: Share of the video from which a topic counts fully.
    """
    if not len(scenes):
        return np.zeros(scenes.shape[1])
    weights = np.asarray(seconds, dtype=np.float64)
    share = weights @ (scenes >= min_score) / max(float(weights.sum()), 1e-9)
    return np.asarray(scenes.max(axis=0) * np.minimum(1.0, share / full_share))


def _context(seconds: NDArray[np.float64], filled: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much each scene counts as evidence for each other one, (n, n); scenes without text do not count."""
    ends = np.cumsum(seconds)
    middles = ends - seconds / 2
    weights = np.exp(-np.abs(middles[:, None] - middles[None]) / _NEAR_S) * (seconds * filled)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(_CONTEXT * weights / (weights.sum(axis=1, keepdims=True) + _ENOUGH_S))


def _by_family(labels: Sequence[Label]) -> dict[str, float]:
    """Return the score of each family of labels, leaving out labels of text and clothes."""
    scores: defaultdict[str, float] = defaultdict(float)
    for label in labels:
        name = family(label.label)
        if label.label not in NAMES_OF_TEXT and name not in _WORN:
            scores[name] += label.score
    return scores


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = vectors / np.maximum(lengths, 1e-9)
    return unit
