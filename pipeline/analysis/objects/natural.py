"""Which frames may show objects: not slides, drawings and blank frames, in which detectors see what is not there."""

from collections.abc import Sequence

from pipeline.analysis.vision import Image, featureless
from schemas.records import TextLine

_MAX_TEXT = 0.12
"""Share of the frame that lines of text may cover."""


def is_natural(image: Image, lines: Sequence[TextLine]) -> bool:
    """Return whether a frame may show objects.

    Args:
        image: uint8 (height, width, 3) RGB.
        lines: Its on-screen text.
    """
    return not featureless(image) and _text_share(lines) <= _MAX_TEXT


def _text_share(lines: Sequence[TextLine]) -> float:
    return sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (line.box for line in lines))
