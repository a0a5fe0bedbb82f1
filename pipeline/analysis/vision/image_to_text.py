"""Image-to-text models from transformers, by folder or Hub id: captioners such as BLIP and GIT, and chat models."""

from collections.abc import Sequence
from typing import Any

import torch

from pipeline.analysis.vision.networks import Image, choose_precision
from pipeline.models import LOAD_ERRORS, LOAD_OPTIONS, CaptionModel, ModelInfo, load_pretrained, quiet_transformers
from schemas.config import CaptionsConfig
from schemas.errors import ModelError

Generation = dict[str, Any]
"""Keyword arguments of `generate`, besides the inputs."""


def load_image_to_text(info: ModelInfo, config: CaptionsConfig, *, device: str) -> CaptionModel:
    """Load an image-to-text model. Only safetensors weights are read.

    Args:
        info: The model.
        config: The `captions` section: longest caption, beams, prompt and precision.
        device: `cpu` or `cuda`.

    Raises:
        ModelError: It is damaged, has no safetensors, or is not an image-to-text model.
    """
    from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

    generation: Generation = {
        "max_new_tokens": config.max_tokens,
        "num_beams": config.beam_size,
        "do_sample": False,
    }
    try:
        with quiet_transformers():
            dtype = choose_precision(config.precision, device)
            model = load_pretrained(AutoModelForImageTextToText, info.path, dtype=dtype, use_safetensors=True)
            model = model.eval().to(device)
            # The PIL processors do not need torchvision, the others do.
            processor = AutoProcessor.from_pretrained(info.path, backend="pil", **LOAD_OPTIONS)
            if getattr(processor, "chat_template", None):
                return ChatCaptioner(model, processor, generation, config.prompt)
            # Older folders, such as an encoder combined with a decoder, have no joint processor.
            images = getattr(processor, "image_processor", None)
            words = getattr(processor, "tokenizer", None)
            if images is None:
                images = AutoImageProcessor.from_pretrained(info.path, backend="pil", **LOAD_OPTIONS)
            if words is None:
                words = AutoTokenizer.from_pretrained(info.path, **LOAD_OPTIONS)
            return ImageToText(model, images, words, generation)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"captions.model: {info.id} ({info.path}) cannot be loaded as an image-to-text model: {error}. It must be "
            "a folder with *.safetensors that transformers' AutoModelForImageTextToText reads, such as BLIP or GIT."
        ) from error


class ImageToText:
    """BLIP (Li et al. 2022), GIT (Wang et al. 2022), encoder-decoders and similar captioners."""

    def __init__(self, model: Any, images: Any, tokenizer: Any, generation: Generation) -> None:  # noqa: ANN401
        self._model, self._images, self._tokenizer, self._generation = model, images, tokenizer, generation
        self.dtype: torch.dtype = model.dtype

    @torch.inference_mode()
    def caption(self, images: Sequence[Image]) -> list[str]:
        """Return a sentence for each frame, uint8 (height, width, 3) RGB."""
        prepared = self._images(images=list(images), return_tensors="pt", input_data_format="channels_last")
        pixels = prepared["pixel_values"].to(device=self._model.device, dtype=self._model.dtype)
        tokens = self._model.generate(pixel_values=pixels, **self._generation)
        decoded: list[str] = self._tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return decoded


class ChatCaptioner:
    """LLaVA (Liu et al. 2023) and other multimodal chat models, prompted for a sentence about each image."""

    def __init__(self, model: Any, processor: Any, generation: Generation, prompt: str) -> None:  # noqa: ANN401
        self._model, self._processor, self._generation = model, processor, generation
        self.dtype: torch.dtype = model.dtype
        # Left padding, so that all answers start at the same position after prompts of different lengths.
        processor.tokenizer.padding_side = "left"
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        self._prompt: str = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True
        )

    @torch.inference_mode()
    def caption(self, images: Sequence[Image]) -> list[str]:
        """Return the answer for each frame, uint8 (height, width, 3) RGB."""
        prepared = self._processor(
            images=list(images), text=[self._prompt] * len(images), return_tensors="pt", padding=True
        )
        inputs = {
            name: value.to(self._model.device, self._model.dtype if value.is_floating_point() else None)
            for name, value in prepared.items()
        }
        tokens = self._model.generate(**inputs, **self._generation)
        answers = tokens[:, inputs["input_ids"].shape[1] :]
        decoded: list[str] = self._processor.batch_decode(answers, skip_special_tokens=True)
        return decoded
