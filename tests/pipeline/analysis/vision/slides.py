"""Drawn slides, whose text is known, and what a video codec makes of them."""

import io
from collections.abc import Sequence

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SLIDE = (
    "Quarterly revenue grew by 13 percent",
    "The model converged after 1.5 hours",
    "Contact us at room 401, level 2",
)


def slide(lines: Sequence[str], *, size_px: int = 24, ink: int = 30, ground: int = 250) -> np.ndarray:
    """Draw lines of text below each other on an even ground; uint8 (720, 1280, 3)."""
    image = Image.new("RGB", (1280, 720), (ground,) * 3)
    draw = ImageDraw.Draw(image)
    for place, line in enumerate(lines):
        font = ImageFont.load_default(size_px)
        draw.text((80, 60 + place * size_px * 2), line, font=font, fill=(ink,) * 3)
    return np.array(image)


def encoded(images: Sequence[np.ndarray], *, repeat: int = 8, crf: int = 28) -> list[np.ndarray]:
    """Return each image, shown for `repeat` frames, as it comes out of H.264 with a key frame every fourth frame."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(crf), "g": "4", "preset": "ultrafast"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            for _ in range(repeat):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
