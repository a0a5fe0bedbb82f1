"""Vision models from transformers, by folder or Hub id: CLIP-like models, image classifiers and plain encoders."""

from collections.abc import Sequence
from typing import Any

import torch

from pipeline.analysis.vision.imagenet import imagenet_labels
from pipeline.analysis.vision.networks import Image, VisionNetwork
from pipeline.analysis.vision.zero_shot import TextTower, text_tower
from pipeline.models import LOAD_ERRORS, LOAD_OPTIONS, ModelInfo, load_pretrained, quiet_transformers
from schemas.errors import ModelError


def load_transformers(info: ModelInfo, *, device: str, dtype: torch.dtype, labels: bool) -> VisionNetwork:
    """Load a vision model with transformers.

    Args:
        info: The model.
        device: `cpu` or `cuda`.
        dtype: Data type it computes in.
        labels: Whether to predict labels. A CLIP-like model must encode the label names first.

    Raises:
        ModelError: It is damaged, or not a vision model.
    """
    from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageClassification

    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(info.path, **LOAD_OPTIONS)
            # The PIL processors do not need torchvision, the others do.
            processor = AutoImageProcessor.from_pretrained(info.path, backend="pil", **LOAD_OPTIONS)
            classifies = any(name.endswith("ForImageClassification") for name in config.architectures or ())
            auto = AutoModelForImageClassification if classifies else AutoModel
            model = load_pretrained(auto, info.path, dtype=dtype).eval().to(device)
        if classifies:
            return ImageClassifier(model, processor)
        if hasattr(model, "get_image_features"):
            return ContrastiveModel(model, processor, info, labels=labels)
        return ImageEncoder(model, processor)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"vision.model: {info.id} ({info.path}) cannot be loaded as a vision model: {error}. "
            "It must be a folder that transformers' AutoModel and AutoImageProcessor read."
        ) from error


class _Network:
    """Shared by the three kinds of model: the processor, and the model's device and data type."""

    text_tower: TextTower | None = None

    def __init__(self, model: Any, processor: Any) -> None:  # noqa: ANN401 - transformers' classes are chosen at run time
        self._model, self._processor = model, processor

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Return images processed by the model's own image processor, float32 (n, 3, height, width)."""
        pixels: torch.Tensor = self._processor(
            images=list(images), return_tensors="pt", input_data_format="channels_last"
        )["pixel_values"]
        return pixels

    def _on_device(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.to(device=self._model.device, dtype=self._model.dtype)


class ImageClassifier(_Network):
    """ViT, ResNet, ConvNeXt, Swin and other classifiers. The embedding is the input of the last layer."""

    def __init__(self, model: Any, processor: Any) -> None:  # noqa: ANN401
        super().__init__(model, processor)
        names = model.config.id2label
        self.label_names = tuple(str(names[index]).split(",")[0].strip() for index in range(len(names)))
        heads = [
            module
            for module in model.modules()
            if isinstance(module, torch.nn.Linear) and module.out_features == len(self.label_names)
        ]
        if not heads:
            raise ValueError("it has no linear output layer for its labels")
        self.dimensions: int = heads[-1].in_features
        self._seen: torch.Tensor | None = None
        heads[-1].register_forward_pre_hook(self._keep_input)

    def _keep_input(self, _module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self._seen = inputs[0]

    @torch.inference_mode()
    def run(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the input of the last layer (n, dimensions) and the probabilities (n, classes), float32."""
        logits = self._model(pixel_values=self._on_device(pixels)).logits
        if self._seen is None:
            raise ModelError("vision.model: the classifier did not run its last layer.")
        return self._seen.float(), logits.float().softmax(dim=-1)


class ImageEncoder(_Network):
    """DINOv2 and other encoders without a task: embeddings, but no labels."""

    label_names: tuple[str, ...] = ()

    def __init__(self, model: Any, processor: Any) -> None:  # noqa: ANN401
        super().__init__(model, processor)
        probe, _ = self.run(self.prepare([torch.zeros(64, 64, 3, dtype=torch.uint8).numpy()]))
        self.dimensions: int = probe.shape[1]

    @torch.inference_mode()
    def run(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the pooled output (n, dimensions), or the mean over positions if the model does not pool; float32."""
        output = self._model(pixel_values=self._on_device(pixels))
        pooled = getattr(output, "pooler_output", None)
        if pooled is None:
            pooled = (
                output.last_hidden_state.flatten(2).mean(2)
                if output.last_hidden_state.ndim == 4
                else (output.last_hidden_state.mean(1))
            )
        return pooled.flatten(1).float(), None


class ContrastiveModel(_Network):
    """CLIP (Radford et al. 2021), SigLIP (Zhai et al. 2023): a space shared with text, and zero-shot labels."""

    def __init__(self, model: Any, processor: Any, info: ModelInfo, *, labels: bool) -> None:  # noqa: ANN401
        super().__init__(model, processor)
        self.text_tower = text_tower(model, info)
        self.label_names = imagenet_labels() if labels and self.text_tower else ()
        self._label_vectors: torch.Tensor | None = None
        """(classes, dimensions)"""
        if self.text_tower and self.label_names:
            self._label_vectors = self.text_tower.label_vectors(self.label_names)
        probe, _ = self.run(self.prepare([torch.zeros(64, 64, 3, dtype=torch.uint8).numpy()]))
        self.dimensions: int = probe.shape[1]

    @torch.inference_mode()
    def run(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return image features (n, dimensions) and, with labels, probabilities (n, classes); float32."""
        output = self._model.get_image_features(pixel_values=self._on_device(pixels))
        embeddings = getattr(output, "pooler_output", output).float()
        if self._label_vectors is None:
            return embeddings, None
        cosine = torch.nn.functional.normalize(embeddings, dim=1) @ self._label_vectors.T
        return embeddings, (cosine * self._model.logit_scale.float().exp()).softmax(dim=1)
