"""Options and reports of training a text encoder on the text of a lake."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BertSize = Literal["tiny", "mini", "small", "medium", "base", "large"]
"""Sizes of BERT as published by Devlin et al. (2019) and Turc et al. (2019)."""


class TrainingOptions(BaseModel):
    """How a model is trained, for both pre-training and fine-tuning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(3, ge=1, le=1000)
    batch_size: int = Field(16, ge=1)
    """Texts, or pairs of texts, per step."""
    learning_rate: float = Field(5e-5, gt=0)
    """Peak learning rate. It rises linearly over the first steps, then falls linearly to zero."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0)
    max_tokens: int = Field(128, ge=8, le=512)
    """Longer texts are truncated."""
    held_out: float = Field(0.1, gt=0, lt=1)
    """Share of documents or examples used for evaluation instead of training."""
    masked: float = Field(0.15, gt=0, lt=1)
    """Share of tokens masked in pre-training."""
    seed: int = 7


class PretrainingScore(BaseModel):
    """Scores of a model on held-out text."""

    model_config = ConfigDict(frozen=True)

    mlm_loss: float
    """Mean cross-entropy of masked tokens, in nats; its exponential is the pseudo-perplexity."""
    mlm_accuracy: float
    """Share of masked tokens that are predicted correctly."""
    nsp_accuracy: float | None
    """Share of pairs correctly classified as consecutive or not; None if the model has no such head."""


class PretrainingReport(BaseModel):
    """Result of pre-training."""

    model_config = ConfigDict(frozen=True)

    base: str
    """Model that training started from; `scratch:<size>` for a new one."""
    documents: int
    sentences: int
    steps: int
    before: PretrainingScore
    after: PretrainingScore


class ClassReport(BaseModel):
    """Scores of one class on held-out examples."""

    model_config = ConfigDict(frozen=True)

    label: str
    precision: float
    recall: float
    f1: float
    examples: int


class FinetuningReport(BaseModel):
    """Result of fine-tuning for classification, evaluated on held-out examples."""

    model_config = ConfigDict(frozen=True)

    base: str
    trained_on: int
    measured_on: int
    steps: int
    accuracy: float
    macro_f1: float
    majority_accuracy: float
    """Accuracy of always predicting the most frequent class: the baseline."""
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are true classes, columns predicted classes, both in the order of `classes`."""
