"""Attribution by erasure: remove a part, encode again, and measure how much the similarity drops."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.language import word_spans
from schemas.explain import WordWeight

Image = NDArray[np.uint8]
Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to (n, d) vectors of unit length."""
EncodeImages = Callable[[Sequence[Image]], NDArray[np.float32]]
"""Images to (n, d) vectors of unit length."""

_MAX_WORDS = 60


def word_weights(text: str, other: NDArray[np.float32], encode: Encode, language: str | None) -> tuple[WordWeight, ...]:
    """Return how much the similarity drops without each word (representation erasure, Li, Monroe and Jurafsky 2016).

    `weight(w) = cos(v(text), u) - cos(v(text without w), u)`. The weights do not add up to the similarity, because
    words with the same meaning replace each other.

    Args:
        text: Only its first 60 words are weighed.
        other: (d,) u, the vector that the text is compared with.
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


def image_heat(
    image: Image, other: NDArray[np.float32], encode: EncodeImages, *, cells: int = 6
) -> NDArray[np.float32]:
    """Find the parts of an image that matter by covering them (occlusion sensitivity, Zeiler and Fergus 2014).

    A blurred patch of two by two cells moves over the image in steps of one cell. The heat of a cell is the mean drop
    of the similarity over the patches that cover it.

    Args:
        image: uint8 (height, width, 3) RGB.
        other: (d,) the vector that the image is compared with.
        encode: The frame encoder, into the space of `other`.
        cells: Number of cells along the longer side.

    Returns:
        (rows, columns) float32; positive where covering lowers the similarity.
    """
    height, width = image.shape[:2]
    rows = max(2, round(cells * height / max(height, width)))
    columns = max(2, round(cells * width / max(height, width)))
    ys, xs = np.linspace(0, height, rows + 1).astype(int), np.linspace(0, width, columns + 1).astype(int)
    # Blur instead of grey: the model would recognise a grey patch as an object.
    blurred = cv2.GaussianBlur(image, (0, 0), sigmaX=max(height, width) / 12)
    corners = [(row, column) for row in range(rows - 1) for column in range(columns - 1)]
    covered = []
    for row, column in corners:
        variant = image.copy()
        part = np.s_[ys[row] : ys[row + 2], xs[column] : xs[column + 2]]
        variant[part] = blurred[part]
        covered.append(variant)
    similarities = encode([image, *covered]).astype(np.float64) @ other
    heat, counts = np.zeros((rows, columns)), np.zeros((rows, columns))
    for (row, column), similarity in zip(corners, similarities[1:], strict=True):
        heat[row : row + 2, column : column + 2] += similarities[0] - similarity
        counts[row : row + 2, column : column + 2] += 1
    return np.asarray(heat / counts, dtype=np.float32)
