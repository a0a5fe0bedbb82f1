"""Fine-tune a BERT for classification, and evaluate it on held-out examples."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.extras.bert.bases import load_for_classification
from pipeline.extras.bert.classify import probabilities
from pipeline.extras.bert.examples import Example
from pipeline.extras.bert.fitting import Progress, check_free, fit, save_model, seeded, split
from pipeline.models import longest_input, set_threads
from schemas.errors import ConfigurationError
from schemas.training import ClassReport, FinetuningReport, TrainingOptions


def finetune(
    examples: Sequence[Example],
    folder: Path,
    *,
    base: str,
    options: TrainingOptions = TrainingOptions(),  # noqa: B008 - immutable
    device: str = "cpu",
    threads: int = 1,
    progress: Progress = lambda _step, _steps, _loss: None,
) -> FinetuningReport:
    """Fine-tune a model for text classification: all weights and a new head over `[CLS]` (Devlin et al. 2019, 4.1).

    Args:
        examples: Texts with their classes; a share of each class is held out.
        folder: Where to save the model.
        base: Id of the model to start from.
        options: Training options.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch.
        progress: Called after every step.

    Returns:
        Scores on the held-out examples; also saved with the weights.

    Raises:
        ConfigurationError: There are fewer than two classes, a class has fewer than two examples, or the folder is
            not empty.
        ModelError: The model cannot be loaded, or the loss is not finite.
    """
    check_free(folder)
    set_threads(threads)
    labels = _labels(examples)
    train, held_out = _split_by_class(examples, labels, options)
    with seeded(options.seed):
        model, tokenizer = load_for_classification(base, labels)
        model.to(device)
        class_of = {label: index for index, label in enumerate(labels)}
        texts = [examples[index].text for index in train]
        length = min(options.max_tokens, longest_input(model, tokenizer))
        targets = np.array([class_of[examples[index].label] for index in train])
        steps = fit(
            model,
            lambda epoch: _batches(tokenizer, texts, targets, options.model_copy(update={"max_tokens": length}), epoch),
            steps_per_epoch=-(-len(train) // options.batch_size),
            options=options,
            progress=progress,
        )
        predicted = probabilities(
            model, tokenizer, [examples[index].text for index in held_out], max_tokens=options.max_tokens
        ).argmax(axis=1)
    truth = np.array([class_of[examples[index].label] for index in held_out])
    report = _report(base, labels, truth, predicted, trained_on=len(train), steps=steps)
    save_model(model, tokenizer, folder, report)
    return report


def _labels(examples: Sequence[Example]) -> tuple[str, ...]:
    counts = Counter(example.label for example in examples)
    if len(counts) < 2:
        raise ConfigurationError("Classification needs examples of at least two classes.")
    rare = [label for label, count in counts.items() if count < 2]
    if rare:
        raise ConfigurationError(
            f"The class {rare[0]!r} has only one example. It needs at least two, for training and for evaluation."
        )
    return tuple(sorted(counts))


def _split_by_class(
    examples: Sequence[Example], labels: Sequence[str], options: TrainingOptions
) -> tuple[list[int], list[int]]:
    rng = np.random.default_rng(options.seed)
    train: list[int] = []
    held_out: list[int] = []
    for label in labels:
        members = [index for index, example in enumerate(examples) if example.label == label]
        order = rng.permutation(len(members)).tolist()
        kept, out = split(len(members), options.held_out, order)
        train += [members[index] for index in kept]
        held_out += [members[index] for index in out]
    return sorted(train), sorted(held_out)


def _batches(
    tokenizer: Any,  # noqa: ANN401 - transformers' classes are chosen at run time
    texts: Sequence[str],
    targets: np.ndarray,
    options: TrainingOptions,
    epoch: int,
) -> Iterator[dict[str, torch.Tensor]]:
    order = np.random.default_rng((options.seed, epoch)).permutation(len(texts))
    for start in range(0, len(order), options.batch_size):
        chosen = order[start : start + options.batch_size]
        encoded = tokenizer(
            [texts[index] for index in chosen],
            truncation=True,
            max_length=options.max_tokens,
            padding=True,
            return_tensors="pt",
        )
        yield {**encoded, "labels": torch.from_numpy(targets[chosen])}


def _report(
    base: str, labels: Sequence[str], truth: np.ndarray, predicted: np.ndarray, *, trained_on: int, steps: int
) -> FinetuningReport:
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    correct = np.diag(confusion).astype(np.float64)
    precision = correct / np.maximum(confusion.sum(axis=0), 1)
    recall = correct / np.maximum(confusion.sum(axis=1), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return FinetuningReport(
        base=base,
        trained_on=trained_on,
        measured_on=len(truth),
        steps=steps,
        accuracy=float(correct.sum() / len(truth)),
        macro_f1=float(f1.mean()),
        majority_accuracy=float(np.bincount(truth).max() / len(truth)),
        classes=tuple(
            ClassReport(label=label, precision=p, recall=r, f1=f, examples=int(n))
            for label, p, r, f, n in zip(
                labels, precision.tolist(), recall.tolist(), f1.tolist(), confusion.sum(axis=1).tolist(), strict=True
            )
        ),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )
