"""Training the hybrid fusion: a part of a scene must retrieve the rest of the same scene."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.fusion import CrossAttention, Track, closed_form, padded
from pipeline.extras.fusion_training.examples import TrainingScene
from schemas.config import FusionConfig
from schemas.errors import LakeError

logger = logging.getLogger(__name__)

_MIN_SCENES = 16
_BATCH = 64
_SAME = 0.9
"""Vectors with at least this cosine count as the same query or text."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How the hybrid is trained."""

    rank: int = 16
    """Rank of the corrections."""
    steps: int = 300
    batch_scenes: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    """Pulls the corrections to zero, which is the closed form."""
    temperature: float = 0.07
    text_weight: float = FusionConfig().text_weight
    """Initial gate, and the gate of the closed form that the trained weights must beat."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The result of a training."""

    train_scenes: int
    held_out_scenes: int
    held_out_queries: int
    first_loss: float
    """Mean over the first tenth of the steps."""
    last_loss: float
    """Mean over the last tenth."""
    closed_form_mrr: float
    """Mean reciprocal rank of the right scene on held-out videos."""
    trained_mrr: float

    @property
    def better(self) -> bool:
        """Whether the trained module beats the closed form on held-out videos."""
        return self.trained_mrr > self.closed_form_mrr

    def as_dict(self) -> dict[str, object]:
        """Return the report for the settings file of the weights."""
        return asdict(self) | {"better": self.better}


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    query: NDArray[np.float32]
    texts: Track
    frames: Track


def train(scenes: Sequence[TrainingScene], settings: TrainingSettings) -> tuple[CrossAttention, TrainingReport]:
    """Train on the inverse cloze task (Lee, Chang and Toutanova 2019) with InfoNCE (van den Oord et al. 2018).

    From each scene in a batch, one part is removed and used as a query: an utterance, an on-screen text, or the most
    probable label of a frame. The query must be nearer to the fused vector of the rest than to the other scenes, and
    that vector nearer to the query than to the other queries. A fifth of the videos, chosen by id, is held out. The
    same scenes, settings and number of threads give the same weights.

    Args:
        scenes: Scenes of many videos.
        settings: How to train.

    Returns:
        The trained module, and its comparison with the closed form on the held-out videos.

    Raises:
        LakeError: There are too few scenes to train on or to evaluate on.
    """
    usable = [scene for scene in scenes if _candidates(scene)]
    held_out = [scene for scene in usable if _is_held_out(scene.video_id)]
    training = [scene for scene in usable if not _is_held_out(scene.video_id)]
    if len(training) < _MIN_SCENES or len(held_out) < 2:
        raise LakeError(
            f"{len(training)} scenes for training and {len(held_out)} for evaluation are too few: at least "
            f"{_MIN_SCENES} and 2 are needed, each with two texts or frames. Train on a lake with more videos."
        )
    dimensions = training[0].text_queries.shape[1]
    module = CrossAttention(dimensions, rank=settings.rank, text_weight=settings.text_weight, seed=settings.seed)
    losses = _fit(module, training, settings)
    plain = closed_form(dimensions, settings.text_weight)
    queries = [(index, part) for index, scene in enumerate(held_out) for part in _candidates(scene)]
    tenth = max(1, len(losses) // 10)
    report = TrainingReport(
        train_scenes=len(training),
        held_out_scenes=len(held_out),
        held_out_queries=len(queries),
        first_loss=float(np.mean(losses[:tenth])),
        last_loss=float(np.mean(losses[-tenth:])),
        closed_form_mrr=_reciprocal_rank(plain, held_out, queries),
        trained_mrr=_reciprocal_rank(module, held_out, queries),
    )
    return module.eval(), report


def _fit(module: CrossAttention, scenes: Sequence[TrainingScene], settings: TrainingSettings) -> list[float]:
    rng = np.random.default_rng(settings.seed)
    optimizer = torch.optim.AdamW(module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    parts = [_candidates(scene) for scene in scenes]
    losses = []
    for step in range(settings.steps):
        chosen = rng.choice(len(scenes), size=min(settings.batch_scenes, len(scenes)), replace=False)
        pairs = [_without(scenes[index], _any(parts[index], rng)) for index in chosen]
        queries = torch.from_numpy(np.stack([pair.query for pair in pairs]))
        fused = module(padded([pair.texts for pair in pairs], [pair.frames for pair in pairs]))
        loss = _contrast(queries, fused, settings.temperature)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            logger.info("step %d of %d: loss %.3f", step, settings.steps, losses[-1])
    return losses


def _contrast(queries: torch.Tensor, fused: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the InfoNCE loss in both directions. Scenes with the same query do not count as wrong answers."""
    logits = queries @ fused.T / temperature
    same = (queries @ queries.T > _SAME) & ~torch.eye(len(queries), dtype=torch.bool)
    logits = logits.masked_fill(same, -1e9)
    right = torch.arange(len(queries))
    return (torch.nn.functional.cross_entropy(logits, right) + torch.nn.functional.cross_entropy(logits.T, right)) / 2


@torch.inference_mode()
def _reciprocal_rank(
    module: CrossAttention, scenes: Sequence[TrainingScene], queries: Sequence[tuple[int, tuple[str, int]]]
) -> float:
    """Return the mean reciprocal rank of each scene, without the part that is its query, among all other scenes."""
    whole = np.concatenate([_fused(module, scenes[at : at + _BATCH]) for at in range(0, len(scenes), _BATCH)])
    ranks = []
    # Pairs are made batch by batch: all at once, they would hold each scene as often as it has parts.
    for at in range(0, len(queries), _BATCH):
        owners = np.array([index for index, _ in queries[at : at + _BATCH]])
        pairs = [_without(scenes[index], part) for index, part in queries[at : at + _BATCH]]
        query_vectors, rest = np.stack([pair.query for pair in pairs]), _fused(module, pairs)
        others = query_vectors @ whole.T  # (pairs, scenes)
        right = (query_vectors * rest).sum(axis=1)
        others[np.arange(len(pairs)), owners] = -np.inf
        ranks.append(1 + (others > right[:, None]).sum(axis=1))
    return float(np.mean(1.0 / np.concatenate(ranks)))


def _fused(module: CrossAttention, scenes: Sequence[TrainingScene] | Sequence[_Pair]) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = module(
        padded([each.texts for each in scenes], [each.frames for each in scenes])
    ).numpy()
    return vectors


def _candidates(scene: TrainingScene) -> list[tuple[str, int]]:
    """Return the parts that can be queries: without them, something must be left of the scene."""
    texts = [("text", index) for index in np.flatnonzero(scene.text_queries.any(axis=1)).tolist()]
    frames = [("frame", index) for index in np.flatnonzero(scene.frame_queries.any(axis=1)).tolist()]
    return [part for part in texts + frames if _left(scene, part)]


def _any(parts: Sequence[tuple[str, int]], rng: np.random.Generator) -> tuple[str, int]:
    """Choose a random part: first its kind, so that frames also get a turn in scenes with much text."""
    kinds = sorted({kind for kind, _ in parts})
    kind = kinds[rng.integers(len(kinds))]
    fitting = [part for part in parts if part[0] == kind]
    return fitting[rng.integers(len(fitting))]


def _left(scene: TrainingScene, part: tuple[str, int]) -> bool:
    rest = _without(scene, part)
    return bool(len(rest.texts) or len(rest.frames))


def _without(scene: TrainingScene, part: tuple[str, int]) -> _Pair:
    """Remove a part, and all near-duplicates of it in the same modality."""
    kind, index = part
    if kind == "text":
        return _Pair(scene.text_queries[index], _other(scene.texts, index), scene.frames)
    return _Pair(scene.frame_queries[index], scene.texts, _other(scene.frames, index))


def _other(track: Track, index: int) -> Track:
    kept = track.vectors @ track.vectors[index] < _SAME
    kept[index] = False
    return replace(track, vectors=track.vectors[kept], times_s=track.times_s[kept], weights=track.weights[kept])


def _is_held_out(video_id: str) -> bool:
    return hashlib.sha256(video_id.encode()).digest()[0] % 5 == 0
