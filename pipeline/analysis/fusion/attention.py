"""Hybrid fusion: texts and frames attend to each other before they become one vector (cross-attention)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_SHARPNESS = 10.0
_REACH_S = 10.0
_MIX = 0.25


@dataclass(frozen=True, slots=True)
class Batch:
    """Scenes of different lengths, padded."""

    texts: Tensor
    """(b, n, d) float32."""
    text_times_s: Tensor
    """(b, n)"""
    text_weights: Tensor
    """(b, n), 0 for padding; a row of zeros is a scene without text."""
    frames: Tensor
    """(b, m, d) float32."""
    frame_times_s: Tensor
    """(b, m)"""
    frame_weights: Tensor
    """(b, m), 0 for padding; a row of zeros is a scene without frames."""


class CrossAttention(nn.Module):
    """Cross-attention between a scene's texts and frames in the coordinated space, with learned corrections.

    With texts T (n, d) and frames F (m, d) at times t and u,

        S    = T (beta I + A B^T) F^T - |t - u| / sigma
        T'   = T + mu softmax_m(S) F
        F'   = F + mu softmax_n(S^T) T
        pool = unit(sum_i alpha_i X'_i),    alpha_i = weight_i exp(p . X'_i)
        out  = unit(w (I + C D^T) pool(T') + (1 - w) (I + E G^T) pool(F'))

    Scaled dot-product attention (Vaswani et al. 2017) both ways (Lu et al. 2019, ViLBERT), residual, with a bias for
    distance in time instead of time encodings (Press et al. 2022, ALiBi). The corrections have low rank (Hu et al.
    2021, LoRA) and start at zero: B = D = G = p = 0. Untrained, the module is the closed form, which contains no random
    numbers, with beta = 10, sigma = 10 s, mu = 1 / 4 and w = `text_weight`. If a modality is missing, the other one
    gets all the weight, and only its own correction changes it.

    Args:
        dimensions: d.
        rank: Rank of the corrections; 0 means none, which is the closed form.
        text_weight: Initial w, used if both modalities are present.
        seed: Seed for A, C and E, which have no effect until the others are trained.
    """

    def __init__(self, dimensions: int, *, rank: int, text_weight: float, seed: int = 0) -> None:
        super().__init__()
        self.dimensions, self.rank = dimensions, rank
        generator = torch.Generator().manual_seed(seed)
        weight = min(max(text_weight, 1e-4), 1 - 1e-4)
        self.log_beta = nn.Parameter(torch.tensor(_SHARPNESS).log())
        self.log_sigma = nn.Parameter(torch.tensor(_REACH_S).log())
        self.mix = nn.Parameter(torch.tensor(_MIX))
        self.gate = nn.Parameter(torch.tensor(weight).logit())
        self.text_pool = nn.Parameter(torch.zeros(dimensions))
        self.frame_pool = nn.Parameter(torch.zeros(dimensions))
        self.match = _LowRank(dimensions, rank, generator)
        self.text_correction = _LowRank(dimensions, rank, generator)
        self.frame_correction = _LowRank(dimensions, rank, generator)

    @property
    def text_weight(self) -> float:
        """Weight of text if both modalities are present."""
        return float(self.gate.detach().sigmoid())

    def forward(self, batch: Batch) -> Tensor:
        """Return one vector per scene, (b, d) of unit length; zeros for a scene without text and frames."""
        texts, frames = batch.texts, batch.frames
        has_text, has_frames = batch.text_weights > 0, batch.frame_weights > 0
        similarity = self.log_beta.exp() * texts @ frames.mT + self.match(texts) @ frames.mT
        distance_s = (batch.text_times_s[:, :, None] - batch.frame_times_s[:, None, :]).abs()
        scores = similarity - distance_s / self.log_sigma.exp()
        attended_texts = texts + self.mix * _attend(scores, has_frames) @ frames
        attended_frames = frames + self.mix * _attend(scores.mT, has_text) @ texts
        text = _pool(attended_texts, batch.text_weights, self.text_pool)
        frame = _pool(attended_frames, batch.frame_weights, self.frame_pool)
        any_text, any_frame = has_text.any(dim=1, keepdim=True), has_frames.any(dim=1, keepdim=True)
        weight = torch.where(any_text & any_frame, self.gate.sigmoid(), any_text.to(texts.dtype))
        joined = weight * (text + self.text_correction(text)) + (1 - weight) * (frame + self.frame_correction(frame))
        return nn.functional.normalize(joined, dim=1, eps=1e-9)


class _LowRank(nn.Module):
    """x B A^T, which is zero until B is trained."""

    def __init__(self, dimensions: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.into = nn.Parameter(torch.randn(dimensions, rank, generator=generator) / dimensions**0.5)
        self.out = nn.Parameter(torch.zeros(rank, dimensions))

    def forward(self, vectors: Tensor) -> Tensor:
        correction: Tensor = vectors @ self.into @ self.out
        return correction


def _attend(scores: Tensor, present: Tensor) -> Tensor:
    """Return the softmax of (b, n, m) over the items that are present; zeros if none is."""
    allowed = present[:, None, :]
    masked = scores.masked_fill(~allowed, -1e9)
    return masked.softmax(dim=2) * allowed


def _pool(vectors: Tensor, weights: Tensor, direction: Tensor) -> Tensor:
    """Return the direction of the weighted mean of (b, n, d); zeros if all weights are 0."""
    favoured = (vectors @ direction).masked_fill(weights <= 0, -1e9)
    alpha = weights * (favoured - favoured.amax(dim=1, keepdim=True)).exp() if weights.shape[1] else weights
    return nn.functional.normalize((alpha[:, None, :] @ vectors)[:, 0], dim=1, eps=1e-9)
