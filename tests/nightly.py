"""How many examples property tests try: few and the same in the gate, more at night, with `VIDEOLAKE_EXAMPLES=10`."""

import os

_FACTOR = float(os.environ.get("VIDEOLAKE_EXAMPLES", "1"))
NIGHTLY = _FACTOR != 1
"""Whether this is not the gate. Its examples are chosen at random, so that every night tries others."""


def examples(count: int = 30) -> int:
    """Return the number of examples for a test that needs this many to be worth running, times `VIDEOLAKE_EXAMPLES`."""
    return max(1, round(count * _FACTOR))
