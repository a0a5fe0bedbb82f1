"""How much the tests try: the same in every gate, less in `make test-quick`, more with `VIDEOLAKE_EXAMPLES=10`."""

import os
from typing import Any

import pytest

_FACTOR = float(os.environ.get("VIDEOLAKE_EXAMPLES", "1"))
NIGHTLY = _FACTOR > 1
"""Whether examples are chosen at random, so that every night tries others."""


def examples(count: int = 30) -> int:
    """Return the number of examples for a test that needs this many to be worth running, times `VIDEOLAKE_EXAMPLES`."""
    return max(1, round(count * _FACTOR))


def nightly(*values: Any, id: str | None = None) -> Any:  # noqa: A002 - as of `pytest.param`
    """Return a parameter that only the night tries, because the others go through the same code."""
    return pytest.param(*values, id=id, marks=[] if NIGHTLY else pytest.mark.skip(reason="tried at night"))
