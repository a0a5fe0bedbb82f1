"""Object detectors from transformers, by folder or Hub id: RT-DETR (Zhao et al. 2023), DETR (Carion et al. 2020)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.objects.boxes import Boxes, kept
from pipeline.analysis.vision import Image
from pipeline.models import LOAD_ERRORS, LOAD_OPTIONS, ModelInfo, load_pretrained, quiet_transformers
from schemas.errors import ModelError


def load_detector(info: ModelInfo, *, device: str, dtype: torch.dtype) -> "TransformersDetector":
    """Load an object detector with transformers. Only safetensors weights are read.

    Args:
        info: The model.
        device: `cpu` or `cuda`.
        dtype: Data type it computes in.

    Raises:
        ModelError: It is damaged, has no safetensors, or is not an object detector.
    """
    from transformers import AutoImageProcessor, AutoModelForObjectDetection

    try:
        with quiet_transformers():
            # The PIL processors do not need torchvision, the others do.
            processor = AutoImageProcessor.from_pretrained(info.path, backend="pil", **LOAD_OPTIONS)
        model = load_pretrained(AutoModelForObjectDetection, info.path, dtype=dtype, use_safetensors=True)
        return TransformersDetector(model.eval().to(device), processor)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"objects.model: {info.id} ({info.path}) cannot be loaded as an object detector: {error}. It must be a "
            "folder with *.safetensors that transformers' AutoModelForObjectDetection reads, such as RT-DETR or DETR."
        ) from error


class TransformersDetector:
    """A detector with its image processor, which also knows whether scores are a softmax or a sigmoid."""

    def __init__(self, model: Any, processor: Any) -> None:  # noqa: ANN401 - transformers' classes are chosen at run time
        self._model, self._processor = model, processor
        if not hasattr(processor, "post_process_object_detection"):
            raise ValueError(f"{type(processor).__name__} cannot turn the output into boxes")
        names = model.config.id2label
        if not names:
            raise ValueError("its config.json names no classes (id2label)")
        self._names = tuple(str(names[index]) for index in range(len(names)))

    def check(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return the logits, (n, queries, classes), to check that they are finite."""
        logits: NDArray[np.float32] = self._run(images).logits.float().cpu().numpy()
        return logits

    def detect(self, images: Sequence[Image], min_score: float) -> list[Boxes]:
        """Return the objects of each image with at least this score, the best first."""
        found = self._processor.post_process_object_detection(self._run(images), threshold=min_score)
        return [self._boxes(each) for each in found]

    @torch.inference_mode()
    def _run(self, images: Sequence[Image]) -> Any:  # noqa: ANN401
        # Whether it asks for a mask of the padding depends on the model.
        inputs = self._processor(images=list(images), return_tensors="pt", input_data_format="channels_last")
        inputs = inputs.to(self._model.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._model.dtype)
        output = self._model(**inputs)
        output.logits, output.pred_boxes = output.logits.float(), output.pred_boxes.float()
        return output

    def _boxes(self, found: dict[str, torch.Tensor]) -> Boxes:
        # Without the sizes of the images, boxes are fractions.
        boxes, scores = found["boxes"].cpu().numpy(), found["scores"].cpu().numpy()
        return kept(Boxes(boxes, scores, tuple(self._names[int(index)] for index in found["labels"])))
