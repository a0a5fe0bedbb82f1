"""How a text encoder is trained on a lake's own words, and what came of it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BertSize = Literal["tiny", "mini", "small", "medium", "base", "large"]
"""Sizes of BERT as published by Devlin et al. (2019) and Turc et al. (2019)."""


class TrainingOptions(BaseModel):
    """How weights are fitted, for pre-training and fine-tuning alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(3, ge=1, le=1000)
    batch_size: int = Field(16, ge=1)
    """Texts, or pairs of them, a step."""
    learning_rate: float = Field(5e-5, gt=0)
    """At its peak; it rises over the first steps, then falls to zero in a line."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0)
    max_tokens: int = Field(128, ge=8, le=512)
    """Longer texts are cut."""
    held_out: float = Field(0.1, gt=0, lt=1)
    """Share of documents or examples that are not learnt from, but measured on."""
    masked: float = Field(0.15, gt=0, lt=1)
    """Share of tokens that pre-training hides."""
    seed: int = 7


class PretrainingScore(BaseModel):
    """What a model knows of held-out text."""

    model_config = ConfigDict(frozen=True)

    mlm_loss: float
    """Mean cross-entropy of hidden tokens, in nats; its exponential is the pseudo-perplexity."""
    mlm_accuracy: float
    """Share of hidden tokens that are guessed right."""
    nsp_accuracy: float | None
    """Share of pairs told right as consecutive or not; None where the model has no such head."""


class PretrainingReport(BaseModel):
    """What pre-training did."""

    model_config = ConfigDict(frozen=True)

    base: str
    """Model it began with; `scratch:<size>` for a new one."""
    documents: int
    sentences: int
    steps: int
    before: PretrainingScore
    after: PretrainingScore


class ClassReport(BaseModel):
    """How well one class is recognised in held-out examples."""

    model_config = ConfigDict(frozen=True)

    label: str
    precision: float
    recall: float
    f1: float
    examples: int


class FinetuningReport(BaseModel):
    """What fine-tuning for classification did, measured on held-out examples."""

    model_config = ConfigDict(frozen=True)

    base: str
    trained_on: int
    measured_on: int
    steps: int
    accuracy: float
    macro_f1: float
    majority_accuracy: float
    """Of always saying the most frequent class: the floor to beat."""
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows: true classes, columns: predicted ones, both in the order of `classes`."""
