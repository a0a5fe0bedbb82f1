"""Attribution by erasure: take a part away, encode again, and see what of the similarity is gone."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.language import word_spans
from schemas.explain import WordWeight

Image = NDArray[np.uint8]
Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to (n, d) vectors of unit length."""
Look = Callable[[Sequence[Image]], NDArray[np.float32]]
"""Pictures to (n, d) vectors of unit length."""

_MAX_WORDS = 60


def word_weights(text: str, other: NDArray[np.float32], encode: Encode, language: str | None) -> tuple[WordWeight, ...]:
    """Weigh the words of a text by what their absence costs (representation erasure, Li, Monroe and Jurafsky 2016).

    `weight(w) = cos(v(text), u) - cos(v(text without w), u)`. Weights do not add up to the similarity: words that say
    the same stand in for each other.

    Args:
        text: Its first 60 words are weighed.
        other: (d,) u, what it is compared with.
        encode: The text encoder.
        language: ISO 639-1, for splitting into words.
    """
    spans = word_spans(text, language)[:_MAX_WORDS]
    variants = [f"{text[:start]} {text[end:]}" for start, end in spans]
    vectors = encode([text, *variants]).astype(np.float64)
    similarities = vectors @ other
    return tuple(
        WordWeight(text[start:end], float(similarities[0] - similarity))
        for (start, end), similarity in zip(spans, similarities[1:], strict=True)
    )


def picture_heat(image: Image, other: NDArray[np.float32], look: Look, *, cells: int = 6) -> NDArray[np.float32]:
    """Say which parts of a picture matter by covering them (occlusion sensitivity, Zeiler and Fergus 2014).

    A blurred patch of two by two cells slides over the picture in steps of a cell; the heat of a cell is the mean of
    what the similarity loses under the patches that cover it.

    Args:
        image: uint8 (height, width, 3) RGB.
        other: (d,) what the picture is compared with.
        look: The frame encoder, into the space of `other`.
        cells: Along the longer side.

    Returns:
        (rows, columns) float32; positive where covering costs similarity.
    """
    height, width = image.shape[:2]
    rows = max(2, round(cells * height / max(height, width)))
    columns = max(2, round(cells * width / max(height, width)))
    ys, xs = np.linspace(0, height, rows + 1).astype(int), np.linspace(0, width, columns + 1).astype(int)
    # Blurred beyond recognition: grey patches would themselves be seen as something.
    blurred = cv2.GaussianBlur(image, (0, 0), sigmaX=max(height, width) / 12)
    corners = [(row, column) for row in range(rows - 1) for column in range(columns - 1)]
    covered = []
    for row, column in corners:
        picture = image.copy()
        part = np.s_[ys[row] : ys[row + 2], xs[column] : xs[column + 2]]
        picture[part] = blurred[part]
        covered.append(picture)
    similarities = look([image, *covered]).astype(np.float64) @ other
    heat, counts = np.zeros((rows, columns)), np.zeros((rows, columns))
    for (row, column), similarity in zip(corners, similarities[1:], strict=True):
        heat[row : row + 2, column : column + 2] += similarities[0] - similarity
        counts[row : row + 2, column : column + 2] += 1
    return np.asarray(heat / counts, dtype=np.float32)
