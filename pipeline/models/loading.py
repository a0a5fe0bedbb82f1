"""Loading models by transformers: quietly, with the errors that a wrong folder may raise, and how much they read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

from safetensors import SafetensorError

LOAD_ERRORS = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, EOFError, SafetensorError,
    UnpicklingError,
)  # fmt: skip
"""What transformers and PyTorch raise on folders that are no model they know, or that are damaged."""

_NO_LIMIT = 1_000_000


def longest_input(model: Any, tokenizer: Any) -> int:  # noqa: ANN401 - transformers' classes are chosen at run time
    """Return how many tokens a BERT-like model reads at most, special ones included."""
    stated = int(getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT)
    # RoBERTa-like models start counting positions at 2.
    return min(int(tokenizer.model_max_length), stated - 2 if "roberta" in model.config.model_type else stated)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hide transformers' progress bars, which would break the progress shown in the terminal."""
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
