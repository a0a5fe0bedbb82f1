"""Loading models with transformers: what is allowed, the errors to expect, progress bars, and the longest input."""

from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

from safetensors import SafetensorError

LOAD_ERRORS = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, EOFError, SafetensorError,
    UnpicklingError,
)  # fmt: skip
"""What transformers and PyTorch raise on folders that hold an unknown or damaged model."""

LOAD_OPTIONS: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""For every `from_pretrained`: weights come from this machine, and code from a model's folder never runs."""

_NO_LIMIT = 1_000_000


def longest_input(model: Any, tokenizer: Any) -> int:  # noqa: ANN401 - transformers' classes are chosen at run time
    """Return how many tokens a BERT-like model reads at most, special tokens included."""
    limit = min(int(tokenizer.model_max_length), _NO_LIMIT)
    positions = int(getattr(model.config, "max_position_embeddings", None) or limit)
    # Some tokenizers state more than the model reads, and RoBERTa-like models start counting positions at 2.
    return limit if limit <= positions else positions - 2


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hide transformers' progress bars, which would garble Videolake's own."""
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
