"""Fit a model's weights: the loop that pre-training and fine-tuning share, and how a trained model is saved whole."""

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
"""Told the step, of how many, and the loss."""

REPORT_FILE = "videolake.json"


def fit(
    model: Any,  # noqa: ANN401 - transformers' classes are chosen at run time
    batches: Callable[[int], Iterable[dict[str, torch.Tensor]]],
    *,
    steps_per_epoch: int,
    options: TrainingOptions,
    progress: Progress = lambda _step, _steps, _loss: None,
) -> int:
    """Fit a model that returns its own loss, by AdamW with a linear rise and fall of the learning rate.

    Args:
        model: Any transformers model; its batches carry their labels.
        batches: Gives the batches of an epoch, by its number.
        steps_per_epoch: Batches of an epoch.
        options: How.
        progress: Told of every step.

    Returns:
        Steps made.

    Raises:
        ModelError: The loss is not finite any more.
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
                    f"Training fell apart at step {step + 1}: the loss is not finite. Lower learning_rate."
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
    """Make what is drawn within the block the same every time, and leave the global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def split(count: int, share: float, order: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return places to learn from, and places to measure on, at least one of each.

    Raises:
        ConfigurationError: There are fewer than two.
    """
    if count < 2:
        raise ConfigurationError("There is too little to learn from: at least two documents or examples are needed.")
    held = min(count - 1, max(1, round(share * count)))
    return sorted(order[held:]), sorted(order[:held])


def save_model(model: Any, tokenizer: Any, folder: Path, report: BaseModel) -> None:  # noqa: ANN401
    """Save a model as safetensors with its tokenizer and report, so that the folder is there whole or not at all.

    Raises:
        ConfigurationError: There is something of that name, or it cannot be written.
    """
    check_free(folder)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        model.save_pretrained(scratch, safe_serialization=True)
        tokenizer.save_pretrained(scratch)
        (scratch / REPORT_FILE).write_text(json.dumps(report.model_dump(), indent=2) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        os.replace(scratch, folder)  # noqa: PTH105 - an empty folder of that name is replaced, which Path.rename leaves open
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_free(folder: Path) -> None:
    """Raise, before hours of work, where a model cannot be saved.

    Raises:
        ConfigurationError: There is something of that name, or nothing can be written there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} exists and is not empty. Name a new folder for the model.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.")).rmdir()
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror or error}.") from error
