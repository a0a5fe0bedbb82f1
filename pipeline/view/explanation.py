"""An explanation as one HTML page: weights as bars and coloured words, and the keyframe with its heat map."""

import base64

import numpy as np
from numpy.typing import NDArray

from pipeline.view.templates import render_page
from schemas.explain import Explanation


def heat_overlay(thumbnail: bytes, heat: NDArray[np.float32]) -> bytes:
    """Dim and grey an image except where covering it lowers the similarity.

    Args:
        thumbnail: JPEG.
        heat: (rows, columns), see `pipeline.extras.explain.erasure.image_heat`.

    Returns:
        PNG of the same size.

    Raises:
        ValueError: The thumbnail is not an image.
    """
    import cv2  # takes a fifth of a second, and only explanations need it

    image = cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("The thumbnail is not an image.")
    size = (image.shape[1], image.shape[0])
    positive = np.maximum(heat, 0.0)
    scaled = cv2.resize(positive / max(float(positive.max()), 1e-9), size, interpolation=cv2.INTER_CUBIC)
    light = np.clip(scaled, 0.0, 1.0)[..., None]
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) * 0.45
    blended = light * image + (1 - light) * grey
    made, data = cv2.imencode(".png", np.rint(blended).astype(np.uint8))
    if not made:
        raise ValueError("The image cannot be written as PNG.")
    return bytes(data)


def explanation_html(found: Explanation) -> str:
    """Return an HTML page that needs no other file."""
    image = heat_overlay(found.frame.thumbnail, found.frame.heat) if found.frame else b""
    return render_page("explanation.html", found=found, image=base64.b64encode(image).decode())
