"""Loading models with transformers: what is allowed and checked, the errors to expect, and the longest input."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
_MAX_MISSING = 0.5
"""Share of a model's weights. If more are missing, they belong to another architecture."""
_HEADS = ("classifier", "class_embed", "lm_head")
"""Parts of names of layers whose output is a result. The poolers of text encoders may be missing: nobody uses them."""


def load_pretrained(auto: Any, folder: Path, **options: Any) -> Any:  # noqa: ANN401 - classes of transformers
    """Load a model with transformers. What it lacks would be random numbers, so that is an error here.

    Args:
        auto: A class with `from_pretrained`, such as `AutoModel`.
        folder: The model.
        options: For `from_pretrained`, besides `LOAD_OPTIONS`.

    Raises:
        ValueError: Weights are missing, or not finite. A folder that holds no such model raises one of `LOAD_ERRORS`.
    """
    with quiet_transformers():
        model, loading = auto.from_pretrained(folder, output_loading_info=True, **LOAD_OPTIONS, **options)
    missing = sorted(loading["missing_keys"])
    heads = [name for name in missing if any(head in name for head in _HEADS)]
    if heads or len(missing) > _MAX_MISSING * len(model.state_dict()):
        raise ValueError(f"its weights do not fit {type(model).__name__}: {(heads or missing)[0]} is missing")
    wrong = [name for name, weights in model.named_parameters() if not bool(weights.isfinite().all())]
    if wrong:
        raise ValueError(f"its weights are damaged: values in {wrong[0]} are not finite")
    return model


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
