"""The training loop of pre-training and fine-tuning, and saving a trained model atomically."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from schemas.errors import ConfigurationError, ModelError
from schemas.training import TrainingOptions

Progress = Callable[[int, int, float], None]
"""Called with the step, the number of steps and the loss."""

REPORT_FILE = "videolake.json"


def fit(
    model: Any,  # noqa: ANN401 - transformers' classes are chosen at run time
    batches: Callable[[int], Iterable[dict[str, torch.Tensor]]],
    *,
    steps_per_epoch: int,
    options: TrainingOptions,
    progress: Progress = lambda _step, _steps, _loss: None,
) -> int:
    """Train a model that returns its own loss, by AdamW with linear warm-up and decay of the learning rate.

    Args:
        model: Any transformers model; its batches include the labels.
        batches: Returns the batches of an epoch, given its index.
        steps_per_epoch: Number of batches per epoch.
        options: Training options.
        progress: Called after every step.

    Returns:
        Number of steps.

    Raises:
        ModelError: The loss is not finite.
    """
    from transformers import get_linear_schedule_with_warmup

    steps = options.epochs * steps_per_epoch
    decayed = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    plain = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": options.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=options.learning_rate,
    )
    schedule = get_linear_schedule_with_warmup(optimizer, int(options.warmup * steps), steps)
    model.train()
    step = 0
    for epoch in range(options.epochs):
        for batch in batches(epoch):
            loss = model(**{name: tensor.to(model.device) for name, tensor in batch.items()}).loss
            if not torch.isfinite(loss):
                raise ModelError(
                    f"Training failed at step {step + 1}: the loss is not finite. Lower the learning rate."
                )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            progress(step, steps, float(loss.detach()))
    model.eval()
    return step


@contextmanager
def seeded(seed: int) -> Any:  # noqa: ANN401 - a context manager
    """Seed the random numbers of PyTorch within the block, and restore the global state afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def split(count: int, share: float, order: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return indices for training and indices for evaluation, at least one of each.

    Raises:
        ConfigurationError: There are fewer than two.
    """
    if count < 2:
        raise ConfigurationError("There is too little data: training needs at least two documents or examples.")
    held_out = min(count - 1, max(1, round(share * count)))
    return sorted(order[held_out:]), sorted(order[:held_out])


def save_model(model: Any, tokenizer: Any, folder: Path, report: BaseModel) -> None:  # noqa: ANN401
    """Save a model as safetensors with its tokenizer and report. The folder appears complete or not at all.

    Raises:
        ConfigurationError: The folder is not empty or cannot be written.
    """
    check_free(folder)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        model.save_pretrained(scratch, safe_serialization=True)
        tokenizer.save_pretrained(scratch)
        (scratch / REPORT_FILE).write_text(json.dumps(report.model_dump(), indent=2) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        os.replace(scratch, folder)  # noqa: PTH105 - replaces an empty folder, which Path.rename does not guarantee
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_free(folder: Path) -> None:
    """Check, before hours of training, that a model can be saved in a folder.

    Raises:
        ConfigurationError: The folder is not empty or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} exists and is not empty. Give a new folder for the model.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.")).rmdir()
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror or error}.") from error
