"""Topics without training: how likely a text, or a picture by its labels, is about each topic of a taxonomy.

A topic is the mean of the vectors of its name, description and examples, as prompts are averaged for CLIP (Radford et
al. 2021). A text is about topic k with probability `p(k) = exp(s_k / T) / (exp(c / T) + sum_j exp(s_j / T))`, s being
cosines after the taxonomy's mean vector is taken away, j all topics and the background phrases, and c a constant for
texts that are like nothing known. The temperature T (Guo et al. 2017) is fitted on the taxonomy itself, each phrase
judged by a topic made without it, so that it suits any encoder and any taxonomy; `benchmarks/topics.py` measures how
well the probabilities then hold on other texts.

A picture is about topic k with probability `sum_l p(l) p(k | l)` over its labels l (Lampert et al. 2009), p(k | l)
being that of the name of the label's family as a text: `dogs` says more than the name of a breed.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.scenes.object_labels import NAMES_OF_TEXT, family
from pipeline.analysis.scenes.taxonomy import Taxonomy
from pipeline.models import cached_array
from schemas.records import Label

_UNLIKE_ALL = 0.2
"""c: a text whose cosines to all topics are under this is rather about none."""
_TEMPERATURES = np.geomspace(0.005, 0.5, 93)
_PROMPT = "a photo of {}"
_WORN = frozenset({"suits and ties", "T-shirt", "jeans", "jersey", "sweatshirt", "cardigan", "sunglasses"})
"""What people wear whatever the topic, and what a small vision model calls people."""


class Encoder(Protocol):
    """What turns texts into unit vectors, as `pipeline.analysis.text.TextEncoder` does."""

    @property
    def recipe(self) -> str:
        """All that decides what vector a text gets."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, d) of unit length; zeros for a text that says nothing."""


class TopicSpace:
    """A taxonomy as one text encoder reads it. Made once a worker and encoder.

    Args:
        taxonomy: The topics.
        encoder: Makes their vectors, and those of label names as they are met.
    """

    def __init__(self, taxonomy: Taxonomy, encoder: Encoder) -> None:
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
        """Return how likely texts are about each topic.

        Args:
            vectors: (n, d) of the encoder, of unit length; zeros where there is no text.

        Returns:
            (n, topics), rows summing to 1 at most; zeros where there is no text.
        """
        rows = np.asarray(vectors, dtype=np.float64)
        centred = self._centred(rows)
        found = self._probabilities(centred @ self._topics.T, centred @ self._background.T, self.temperature)
        return np.where(np.any(rows != 0, axis=1)[:, None], found, 0.0)

    def of_labels(self, frames: Sequence[Sequence[Label]]) -> NDArray[np.float64]:
        """Return how likely pictures are about each topic, by their labels' scores.

        Args:
            frames: Labels of each picture, with probabilities.

        Returns:
            (n, topics), rows summing to 1 at most.
        """
        shown = [_by_family(labels) for labels in frames]
        new = sorted({name for scores in shown for name in scores} - self._of_name.keys())
        if new:
            # A name alone and in a sentence are read differently; what both agree on is kept.
            read = self.of_texts(self._encoder.encode([*new, *(_PROMPT.format(name) for name in new)]))
            both = (read[: len(new)] + read[len(new) :]) / 2
            self._of_name.update(zip(new, both, strict=True))
        found = np.zeros((len(frames), len(self.names)))
        for place, scores in enumerate(shown):
            for name, score in scores.items():
                found[place] += score * self._of_name[name]
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
        """Return the T under which phrases are likeliest to be given to their topics (leave one out)."""
        counts = np.bincount(self._owner)[self._owner]
        judged = counts > 1
        if not judged.any() or len(self.names) < 2:
            return 0.04
        places = np.flatnonzero(judged)
        centred = self._centred(own[places])
        similarities = centred @ self._topics.T
        without = self._centred(_unit(sums[self._owner[places]] - own[places]))
        similarities[np.arange(len(places)), self._owner[places]] = np.einsum("nd,nd->n", centred, without)
        to_background = centred @ self._background.T
        losses = []
        for temperature in _TEMPERATURES:
            found = self._probabilities(similarities, to_background, float(temperature))
            right = found[np.arange(len(places)), self._owner[places]]
            losses.append(-np.log(np.maximum(right, 1e-12)).mean())
        return float(_TEMPERATURES[int(np.argmin(losses))])


class TopicSpaces:
    """A taxonomy for all text encoders of a worker, read by each at its first use.

    Args:
        taxonomy: The topics.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._spaces: dict[str, TopicSpace] = {}

    def of(self, encoder: Encoder) -> TopicSpace:
        """Return the taxonomy as an encoder reads it."""
        if encoder.recipe not in self._spaces:
            self._spaces[encoder.recipe] = TopicSpace(self._taxonomy, encoder)
        return self._spaces[encoder.recipe]


def either(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that text or picture is about a topic, taken as independent: `1 - (1 - p)(1 - q)`."""
    return 1.0 - (1.0 - one) * (1.0 - other)


def strongest(names: Sequence[str], scores: NDArray[np.float64], *, count: int, min_score: float) -> tuple[Label, ...]:
    """Return the topics over a score, the strongest first.

    Args:
        names: Of the topics.
        scores: (topics,).
        count: Topics at most.
        min_score: Those under it are left out.
    """
    order = np.argsort(-scores, kind="stable")[:count]
    return tuple(Label(names[place], round(float(scores[place]), 4)) for place in order if scores[place] >= min_score)


def by_share(
    scenes: NDArray[np.float64], seconds: Sequence[float], *, min_score: float, full_share: float = 0.2
) -> NDArray[np.float64]:
    """Return how strongly a video is about each topic: as its surest scene is, less where it fills little of the video.

    `score = max_i p_i * min(1, share / full_share)`, share being that of the seconds of scenes in which the topic is
    at least at `min_score`.

    Args:
        scenes: (scenes, topics).
        seconds: Of each scene.
        min_score: Of a topic that a scene is about.
        full_share: Share of the video from which on a topic counts fully.
    """
    if not len(scenes):
        return np.zeros(scenes.shape[1])
    weights = np.asarray(seconds, dtype=np.float64)
    share = weights @ (scenes >= min_score) / max(float(weights.sum()), 1e-9)
    return np.asarray(scenes.max(axis=0) * np.minimum(1.0, share / full_share))


def _by_family(labels: Sequence[Label]) -> dict[str, float]:
    """Return the score of each family of labels, without those that name text or clothes rather than a subject."""
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
