"""Train the hybrid: each scene, without one of its parts, must be told from others by that part."""

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

_FEWEST_SCENES = 16
_TOGETHER = 64
_SAME = 0.9
"""Queries so alike, and texts so alike, are taken for the same."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How the hybrid is trained."""

    rank: int = 16
    """Of the corrections."""
    steps: int = 300
    batch_scenes: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    """Draws the corrections to zero, which is the closed form."""
    temperature: float = 0.07
    text_weight: float = FusionConfig().text_weight
    """Where the gate begins, and the gate of the closed form that the weights must beat."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What came of it."""

    train_scenes: int
    held_out_scenes: int
    held_out_queries: int
    first_loss: float
    """Mean over the first tenth of the steps."""
    last_loss: float
    """Mean over the last tenth."""
    closed_form_mrr: float
    """Mean reciprocal rank of the right scene, over held-out videos."""
    trained_mrr: float

    @property
    def better(self) -> bool:
        """Whether the trained module finds more than the closed form, on videos that it has not seen."""
        return self.trained_mrr > self.closed_form_mrr

    def as_dict(self) -> dict[str, object]:
        """Return what goes into the folder's settings."""
        return asdict(self) | {"better": self.better}


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    query: NDArray[np.float32]
    texts: Track
    frames: Track


def train(scenes: Sequence[TrainingScene], settings: TrainingSettings) -> tuple[CrossAttention, TrainingReport]:
    """Train by contrast (InfoNCE, van den Oord et al. 2018) on the inverse cloze task (Lee, Chang and Toutanova 2019).

    Of each scene in a batch one part is taken out and asked as a query: something said or written, or what the surest
    label of a frame names. The fused vector of the rest must be nearer to it than those of the other scenes, and the
    query nearer than the other queries. A fifth of the videos, by their ids, is held out. The same scenes, settings and
    number of threads give the same weights.

    Args:
        scenes: Of many videos.
        settings: How.

    Returns:
        The trained module, and how it compares with the closed form on the videos held out.

    Raises:
        LakeError: There are too few scenes to learn from or to judge by.
    """
    usable = [scene for scene in scenes if _candidates(scene)]
    held_out = [scene for scene in usable if _is_held_out(scene.video_id)]
    known = [scene for scene in usable if not _is_held_out(scene.video_id)]
    if len(known) < _FEWEST_SCENES or len(held_out) < 2:
        raise LakeError(
            f"{len(known)} scenes to learn from and {len(held_out)} to judge by are too few: at least "
            f"{_FEWEST_SCENES} and 2 are wanted, each with two texts or pictures. Train on a lake of more videos."
        )
    dimensions = known[0].text_queries.shape[1]
    module = CrossAttention(dimensions, rank=settings.rank, text_weight=settings.text_weight, seed=settings.seed)
    losses = _fit(module, known, settings)
    plain = closed_form(dimensions, settings.text_weight)
    asked = [(place, part) for place, scene in enumerate(held_out) for part in _candidates(scene)]
    tenth = max(1, len(losses) // 10)
    report = TrainingReport(
        train_scenes=len(known),
        held_out_scenes=len(held_out),
        held_out_queries=len(asked),
        first_loss=float(np.mean(losses[:tenth])),
        last_loss=float(np.mean(losses[-tenth:])),
        closed_form_mrr=_reciprocal_rank(plain, held_out, asked),
        trained_mrr=_reciprocal_rank(module, held_out, asked),
    )
    return module.eval(), report


def _fit(module: CrossAttention, scenes: Sequence[TrainingScene], settings: TrainingSettings) -> list[float]:
    rng = np.random.default_rng(settings.seed)
    optimizer = torch.optim.AdamW(module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    parts = [_candidates(scene) for scene in scenes]
    losses = []
    for step in range(settings.steps):
        chosen = rng.choice(len(scenes), size=min(settings.batch_scenes, len(scenes)), replace=False)
        pairs = [_without(scenes[place], _any(parts[place], rng)) for place in chosen]
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
    """Return the InfoNCE loss both ways; scenes that have the same query do not count as wrong answers."""
    logits = queries @ fused.T / temperature
    same = (queries @ queries.T > _SAME) & ~torch.eye(len(queries), dtype=torch.bool)
    logits = logits.masked_fill(same, -1e9)
    right = torch.arange(len(queries))
    return (torch.nn.functional.cross_entropy(logits, right) + torch.nn.functional.cross_entropy(logits.T, right)) / 2


@torch.inference_mode()
def _reciprocal_rank(
    module: CrossAttention, scenes: Sequence[TrainingScene], asked: Sequence[tuple[int, tuple[str, int]]]
) -> float:
    """Return the mean reciprocal rank of scenes, each without the part that it is asked by, among all others whole."""
    whole = np.concatenate([_fused(module, scenes[at : at + _TOGETHER]) for at in range(0, len(scenes), _TOGETHER)])
    ranks = []
    # Pairs are made as they are needed: all at once, they hold each scene as often as it has parts.
    for at in range(0, len(asked), _TOGETHER):
        owners = np.array([place for place, _ in asked[at : at + _TOGETHER]])
        pairs = [_without(scenes[place], part) for place, part in asked[at : at + _TOGETHER]]
        queries, rest = np.stack([pair.query for pair in pairs]), _fused(module, pairs)
        others = queries @ whole.T  # (pairs, scenes)
        right = (queries * rest).sum(axis=1)
        others[np.arange(len(pairs)), owners] = -np.inf
        ranks.append(1 + (others > right[:, None]).sum(axis=1))
    return float(np.mean(1.0 / np.concatenate(ranks)))


def _fused(module: CrossAttention, scenes: Sequence[TrainingScene] | Sequence[_Pair]) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = module(
        padded([each.texts for each in scenes], [each.frames for each in scenes])
    ).numpy()
    return vectors


def _candidates(scene: TrainingScene) -> list[tuple[str, int]]:
    """Return the parts that may be asked for: something must be left of the scene without them."""
    texts = [("text", place) for place in np.flatnonzero(scene.text_queries.any(axis=1)).tolist()]
    frames = [("frame", place) for place in np.flatnonzero(scene.frame_queries.any(axis=1)).tolist()]
    return [part for part in texts + frames if _left(scene, part)]


def _any(parts: Sequence[tuple[str, int]], rng: np.random.Generator) -> tuple[str, int]:
    """Choose a kind first, so that a talkative scene is asked for its pictures, too."""
    kinds = sorted({kind for kind, _ in parts})
    kind = kinds[rng.integers(len(kinds))]
    fitting = [part for part in parts if part[0] == kind]
    return fitting[rng.integers(len(fitting))]


def _left(scene: TrainingScene, part: tuple[str, int]) -> bool:
    rest = _without(scene, part)
    return bool(len(rest.texts) or len(rest.frames))


def _without(scene: TrainingScene, part: tuple[str, int]) -> _Pair:
    """Take a part out, with others of the same modality that are as good as the same."""
    kind, place = part
    if kind == "text":
        return _Pair(scene.text_queries[place], _other(scene.texts, place), scene.frames)
    return _Pair(scene.frame_queries[place], scene.texts, _other(scene.frames, place))


def _other(track: Track, place: int) -> Track:
    kept = track.vectors @ track.vectors[place] < _SAME
    kept[place] = False
    return replace(track, vectors=track.vectors[kept], times_s=track.times_s[kept], weights=track.weights[kept])


def _is_held_out(video_id: str) -> bool:
    return hashlib.sha256(video_id.encode()).digest()[0] % 5 == 0
