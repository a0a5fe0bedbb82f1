"""On-screen text of frames (OCR), by the networks of PP-OCR (Du et al. 2020), which come with RapidOCR."""

import logging
from collections import deque
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np

from pipeline.analysis.vision.change import blank, changed, grey
from pipeline.analysis.vision.networks import Image
from pipeline.analysis.vision.reading_order import reading_order
from pipeline.analysis.vision.text_detector import Corners, TextDetector
from pipeline.analysis.vision.text_recognizer import TextRecognizer
from pipeline.models import ModelInfo, onnx_device, resolve, runs_on
from schemas.config import OCR_MODEL, OcrConfig
from schemas.errors import ModelError
from schemas.records import TextLine

logger = logging.getLogger(__name__)

_COMPARED = 4
"""Frames whose lines are looked up."""
_SAME_PLACE = 1 / 8
"""How much the corners of a line may move, in heights of the line: its box is not quite the same where something else
in the frame has changed."""


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A line that was read."""

    corners: Corners
    margin: int
    """How far, in pixels, corners may move."""
    left: int
    top: int
    image: Image
    """The part of the frame around the line, as it was when it was recognised, so that slow changes add up."""
    text: str
    score: float


class TextReader:
    """A text detector and recogniser. Use it from one thread at a time.

    Args:
        config: The `ocr` section.
        device: `cpu` or `cuda`.
        threads: Threads for each of the two networks.

    Raises:
        ModelError: The models cannot be found or loaded.
    """

    def __init__(self, config: OcrConfig, *, device: str = "cpu", threads: int) -> None:
        self.info: ModelInfo = resolve("ocr", OCR_MODEL)
        folder = self.info.path
        self.min_score = config.min_score
        """Lines with a lower score are left out."""
        try:
            self.detector = TextDetector(
                folder / "PP-OCRv6_det_small.onnx", max_side_px=config.max_side_px, device=device, threads=threads
            )
            self.recognizer = TextRecognizer(folder / "PP-OCRv6_rec_small.onnx", device=device, threads=threads)
            self.read(_page_with_text())  # so that a failure shows early
        except Exception as error:
            raise ModelError(f"ocr: the models in {folder} cannot be loaded: {error}") from error
        logger.info("text reader loaded, detector at %d px, %d threads", config.max_side_px, threads)
        self.runs_on = runs_on(onnx_device(self.detector.network), "float32")
        """Device and precision, for the log."""

    def session(self) -> "TextSession":
        """Return a reader for the frames of one video."""
        return TextSession(self)

    def read(self, image: Image) -> tuple[TextLine, ...]:
        """Read one image.

        Args:
            image: uint8 (height, width, 3) RGB.

        Returns:
            The lines with a score of at least `ocr.min_score`, in reading order.
        """
        return self.session().read(image)


class TextSession:
    """Reads the frames of one video: what stands still from frame to frame is recognised once.

    Args:
        reader: The loaded models.
    """

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._recent: deque[list[_Line]] = deque(maxlen=_COMPARED)
        self.lines_read = 0
        """Lines that the recogniser read. The others had not changed."""

    def read(self, image: Image) -> tuple[TextLine, ...]:
        """Return the lines of a frame with a score of at least `ocr.min_score`, in reading order.

        Args:
            image: uint8 (height, width, 3) RGB, in time order. It must not be changed afterwards.
        """
        if blank(grey(image)):
            return ()
        found = [
            self._known(image, corners) or self._read(image, corners) for corners in self._reader.detector.find(image)
        ]
        if found:
            self._recent.appendleft(found)
        return reading_order(
            [
                TextLine(text=line.text, box=_fractions(line.corners, image.shape), score=line.score)
                for line in found
                if line.text and line.score >= self._reader.min_score
            ]
        )

    def _known(self, image: Image, corners: Corners) -> _Line | None:
        """Return a line of a recent frame that is there again."""
        for line in chain.from_iterable(self._recent):
            height, width = line.image.shape[:2]
            part = image[line.top : line.top + height, line.left : line.left + width]
            if np.abs(line.corners - corners).max() <= line.margin and not changed(line.image, part):
                return line
        return None

    def _read(self, image: Image, corners: Corners) -> _Line:
        self.lines_read += 1
        text, score = self._reader.recognizer.read(image, corners)
        (left, top), (right, bottom) = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
        margin = 1 + round(_SAME_PLACE * min(bottom - top, right - left))
        left, top = max(0, left - margin), max(0, top - margin)
        part = image[top : bottom + margin + 1, left : right + margin + 1].copy()
        return _Line(corners, margin, left, top, part, text.strip(), score)


def _fractions(corners: Corners, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Return the upright box around four corners in pixels, as fractions of width and height."""
    size = np.array([shape[1], shape[0]], dtype=np.float64)
    low = np.clip(corners.min(axis=0) / size, 0.0, 1.0)
    high = np.clip(corners.max(axis=0) / size, 0.0, 1.0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _page_with_text() -> Image:
    page: Image = np.full((64, 160, 3), 255, dtype=np.uint8)
    cv2.putText(page, "text", (20, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    return page
