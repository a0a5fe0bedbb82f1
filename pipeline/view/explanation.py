"""An explanation as one page to look at: bars, coloured words, and the picture with its heat."""

import base64
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.lake import clock
from schemas.explain import Explanation, WordWeight

_NAMES = {"text": "what is said and written", "vision": "what is shown", "speech": "Said", "screen": "On screen"}
_STYLE = """
:root { color-scheme: light dark; --bar: #3572b0; --on: 46, 125, 50; --off: 198, 40, 40 }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem } small { opacity: .75 }
meter { width: 12rem }
mark { color: inherit; border-radius: .2em; padding: 0 .1em }
img { max-width: 100%; border-radius: .4rem }
"""


def heat_overlay(thumbnail: bytes, heat: NDArray[np.float32]) -> bytes:
    """Return the picture, dimmed but where covering it costs similarity, as PNG.

    Args:
        thumbnail: JPEG.
        heat: (rows, columns), see `pipeline.extras.explain.erasure.image_heat`.

    Raises:
        ValueError: The thumbnail is no picture.
    """
    image = cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("The thumbnail is no picture.")
    size = (image.shape[1], image.shape[0])
    positive = np.maximum(heat, 0.0)
    scaled = cv2.resize(positive / max(float(positive.max()), 1e-9), size, interpolation=cv2.INTER_CUBIC)
    light = np.clip(scaled, 0.0, 1.0)[..., None]
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) * 0.45
    blended = light * image + (1 - light) * grey
    made, data = cv2.imencode(".png", np.rint(blended).astype(np.uint8))
    if not made:
        raise ValueError("The picture cannot be written as PNG.")
    return bytes(data)


def explanation_html(found: Explanation) -> str:
    """Return a page that needs nothing else; all that comes from the lake is escaped."""
    shares = "".join(
        f"<tr><td>{_NAMES[share.modality]}</td><td>{share.weight:.2f}</td><td>{share.similarity:.2f}</td>"
        f'<td><meter min="0" max="1" value="{max(0.0, share.contribution):.3f}"></meter> '
        f"{share.contribution:.2f}</td></tr>"
        for share in found.shares
    )
    texts = "".join(
        f"<h2>{_NAMES[each.kind]} at {clock(each.start_s)} <small>similarity {each.similarity:.2f}</small></h2>"
        f"<p>{_words(each.text_words)}</p><p><small>Your words: {_words(each.query_words)}</small></p>"
        for each in found.texts
    )
    picture = ""
    if found.picture:
        data = base64.b64encode(heat_overlay(found.picture.thumbnail, found.picture.heat)).decode()
        seen = ", ".join(f"{escape(label)} ({score:.2f})" for label, score in found.picture.labels) or "nothing sure"
        picture = (
            f"<h2>Shown at {clock(found.picture.time_s)} <small>similarity {found.picture.similarity:.2f}</small></h2>"
            f'<img alt="The keyframe; parts that matter are in colour" src="data:image/png;base64,{data}">'
            f"<p><small>In colour: what makes it like the query. The model sees: {seen}.</small></p>"
        )
    title = f"Why {clock(found.time_s)} of {found.uri.rsplit('/', 1)[-1]} answers “{found.query}”"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(_printable(title))}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(_printable(title))}</h1>"
        f"<p>Scene from {clock(found.scene[0])} to {clock(found.scene[1])}</p>"
        "<table><thead><tr><th>modality</th><th>weight</th><th>similarity</th><th>adds</th></tr></thead>"
        f"<tbody>{shares}</tbody></table>{texts}{picture}"
        "<p><small>A word or a part of the picture counts for what the similarity loses without it. "
        "Green adds, red takes away.</small></p></body></html>"
    )


def _words(weights: Sequence[WordWeight]) -> str:
    strongest = max((abs(each.weight) for each in weights), default=0.0) or 1.0
    return " ".join(
        f'<mark style="background: rgba(var(--{"on" if each.weight > 0 else "off"}), '
        f'{0.6 * abs(each.weight) / strongest:.2f})" title="{each.weight:+.3f}">{escape(_printable(each.word))}</mark>'
        for each in weights
    )


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
