"""On-screen text of frames (OCR), by PP-OCR (Du et al. 2020) through RapidOCR."""

import logging
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision.change import blank, changed, grey
from pipeline.analysis.vision.networks import Image
from pipeline.analysis.vision.reading_order import reading_order
from pipeline.models import ModelInfo, onnx_device, onnx_providers, resolve, runs_on
from schemas.config import OCR_MODEL, OcrConfig
from schemas.errors import ModelError
from schemas.records import TextLine

logger = logging.getLogger(__name__)

# Lines are recognised one by one and padded to at most 160 px: padding to the longest line of a batch costs more time
# than batching saves.
_LINES_PER_BATCH = 1
_LINE_SHAPE = [3, 48, 160]


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
        self._min_score = config.min_score
        self._engine = _load(self.info.path, config, device, threads)
        self.runs_on = runs_on(onnx_device(self._engine.text_det.session.session), "float32")
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
        result = self._engine(np.ascontiguousarray(image[:, :, ::-1]))  # RapidOCR takes BGR
        if result.boxes is None or result.txts is None or result.scores is None:
            return ()
        found = zip(result.boxes, result.txts, result.scores, strict=True)
        lines = [
            TextLine(text=text.strip(), box=_fractions(corners, image.shape), score=float(score))
            for corners, text, score in found
            if text.strip() and score >= self._min_score
        ]
        return reading_order(lines)


class TextSession:
    """Reads the frames of one video, and skips frames that did not change.

    Args:
        reader: The loaded models.
    """

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._last: NDArray[np.uint8] | None = None
        self._lines: tuple[TextLine, ...] = ()
        self.frames_read = 0
        """Frames that the models read. The others were blank or unchanged."""

    def read(self, image: Image) -> tuple[TextLine, ...]:
        """Return the lines of a frame, as `TextReader.read` does, but faster if it is blank or unchanged.

        Args:
            image: uint8 (height, width, 3) RGB. Frames come in time order.
        """
        brightness = grey(image)
        # Compare with the last frame that was read, not the last one seen, so that slow changes add up.
        if self._last is None or changed(self._last, brightness):
            self._last = brightness
            if blank(brightness):
                self._lines = ()
            else:
                self._lines = self._reader.read(image)
                self.frames_read += 1
        return self._lines


def _fractions(corners: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Return the upright box around four corners in pixels, as fractions of width and height."""
    size = np.array([shape[1], shape[0]], dtype=np.float64)
    low = np.clip(corners.min(axis=0) / size, 0.0, 1.0)
    high = np.clip(corners.max(axis=0) / size, 0.0, 1.0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _load(folder: Path, config: OcrConfig, device: str, threads: int) -> Any:  # noqa: ANN401 - RapidOCR is untyped
    # Importing RapidOCR sets up a logger that writes each step to stderr. The level set below comes too late for that.
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    from rapidocr import RapidOCR

    intra_threads = max(1, min(threads, os.cpu_count() or 1))
    try:
        engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,  # text in video is rarely upside down
                "Global.text_score": config.min_score,
                # Paths, so that RapidOCR downloads nothing.
                "Det.model_path": str(folder / "PP-OCRv6_det_small.onnx"),
                "Rec.model_path": str(folder / "PP-OCRv6_rec_small.onnx"),
                "Det.limit_type": "max",
                "Det.limit_side_len": config.max_side_px,
                "Rec.rec_batch_num": _LINES_PER_BATCH,
                "Rec.rec_img_shape": _LINE_SHAPE,
                "EngineConfig.onnxruntime.intra_op_num_threads": intra_threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                **_cuda(device),
            }
        )
        engine(_page_with_text())  # loads both networks now, so that a failure shows early
    except Exception as error:
        raise ModelError(f"ocr: the models in {folder} cannot be loaded: {error}") from error
    logger.info("text reader loaded, detector at %d px, %d threads", config.max_side_px, intra_threads)
    return engine


def _cuda(device: str) -> dict[str, object]:
    first = onnx_providers(device)[0]
    if isinstance(first, str):
        return {}
    options = {f"EngineConfig.onnxruntime.cuda_ep_cfg.{name}": value for name, value in first[1].items()}
    return {"EngineConfig.onnxruntime.use_cuda": True, **options}


def _page_with_text() -> Image:
    page: Image = np.full((64, 160, 3), 255, dtype=np.uint8)
    cv2.putText(page, "text", (20, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    return page
