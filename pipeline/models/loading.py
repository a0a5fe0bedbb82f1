"""Loading models by transformers: without its progress bars, and with the errors that a wrong folder may raise."""

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, SafetensorError)
"""What transformers raises on folders that are no model it knows, or that are damaged."""


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
