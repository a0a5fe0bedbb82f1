"""Text generation with a summarizer (BART, T5, Pegasus) or an instruct model (Llama, Qwen, Mistral)."""

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from pipeline.models import (
    LOAD_ERRORS,
    LOAD_OPTIONS,
    BatchSize,
    ModelInfo,
    batch_size,
    bf16_is_native,
    quiet_transformers,
    resolve,
    runs_on,
    set_threads,
)
from schemas.config import SummaryConfig
from schemas.errors import ModelError

logger = logging.getLogger(__name__)

_NO_LIMIT = 1_000_000
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL)
_BEAMS = 4


class TextGenerator:
    """A transformers model that generates text, without sampling. Not thread-safe.

    Args:
        config: The `summary` section; `model` must be set.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: The model is missing, cannot be loaded, or has no padding token.
    """

    def __init__(self, config: SummaryConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("summary", config.model or "")
        self._device = device
        self._batch = BatchSize("summary", batch_size("summary", config.batch_size, device), device)
        self._model, self._tokenizer = _load(self.info, device)
        self.instructed = not self._model.config.is_encoder_decoder
        """It follows instructions; a summarizer only gets the text."""
        self._window = min(config.max_input_tokens, _window(self._model, self._tokenizer))
        logger.info("summary model %s loaded, window of %d tokens", self.info.id, self._window)

    @property
    def runs_on(self) -> str:
        """Device, precision and prompts at once, for the log."""
        return runs_on(self._device, self._model.dtype, self._batch.size)

    def max_input_tokens(self, new_tokens: int) -> int:
        """Return how many input tokens fit into the context window if `new_tokens` are generated."""
        limit = self._window - (new_tokens if self.instructed else 0)
        return max(limit, self._window // 2, 1)

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def write(self, prompts: Sequence[str], new_tokens: int) -> list[str]:
        """Continue (or summarise) each prompt.

        Args:
            prompts: Prompts that do not fit the context window are truncated at their end.
            new_tokens: Maximum number of generated tokens.

        Returns:
            A text for each prompt, in the same order, without the model's thoughts.
        """
        batches = self._batch.batches(prompts, lambda batch: self._write_batch(list(batch), new_tokens))
        return [text for _, texts in batches for text in texts]

    @torch.inference_mode()
    def _write_batch(self, prompts: list[str], new_tokens: int) -> list[str]:
        tokens = self._encode(prompts, self.max_input_tokens(new_tokens))
        options: dict[str, Any] = {"do_sample": False, "max_new_tokens": new_tokens, "min_length": 0}
        if self.instructed:
            options |= {"num_beams": 1, "temperature": None, "top_p": None, "top_k": None}
        else:
            options |= {"num_beams": _BEAMS, "no_repeat_ngram_size": 3, "early_stopping": True}
        output = self._model.generate(**tokens, pad_token_id=self._tokenizer.pad_token_id, **options)
        if self.instructed:
            output = output[:, tokens["input_ids"].shape[1] :]
        written: list[str] = self._tokenizer.batch_decode(output, skip_special_tokens=True)
        return [_THOUGHTS.sub("", text).strip() for text in written]

    def _encode(self, prompts: list[str], max_tokens: int) -> Any:  # noqa: ANN401 - transformers' BatchEncoding
        templated = self.instructed and bool(getattr(self._tokenizer, "chat_template", None))
        if templated:
            # Truncate the text and not the template around it, whose end starts the reply of the model.
            spare = max_tokens - self.count(self._chat(""))
            prompts = [self._chat(cut) for cut in self._cut(prompts, max(spare, 1))]
        elif not self.instructed:
            prompts = [f"{_prefix(self._model)}{prompt}" for prompt in prompts]
        else:
            prompts = list(self._cut(prompts, max_tokens))
        return self._tokenizer(
            prompts,
            padding=True,
            truncation=not self.instructed,
            max_length=None if self.instructed else max_tokens,
            add_special_tokens=not templated,
            return_tensors="pt",
            return_token_type_ids=False,
        ).to(self._device)

    def _chat(self, prompt: str) -> str:
        text: str = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,  # ignored by templates without thinking
        )
        return text

    def _cut(self, prompts: Sequence[str], max_tokens: int) -> Iterator[str]:
        for prompt in prompts:
            ids = self._tokenizer(prompt, add_special_tokens=False, verbose=False)["input_ids"]
            yield prompt if len(ids) <= max_tokens else self._tokenizer.decode(ids[:max_tokens])


def _load(info: ModelInfo, device: str) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    dtype = torch.bfloat16 if device == "cuda" and bf16_is_native(device) else torch.float32
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(info.path, **LOAD_OPTIONS)
            auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
            model = auto.from_pretrained(info.path, dtype=dtype, **LOAD_OPTIONS).eval().to(device)
            # A causal model continues at the end, so its batches are padded on the left.
            side = "right" if config.is_encoder_decoder else "left"
            tokenizer = AutoTokenizer.from_pretrained(info.path, padding_side=side, **LOAD_OPTIONS)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"summary.model: {info.id} ({info.path}) cannot be loaded as a summarizer or an instruct model: {error}. "
            "It must be a folder that transformers' AutoModelForSeq2SeqLM or AutoModelForCausalLM reads."
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise ModelError(f"summary.model: the tokenizer of {info.id} has neither a padding token nor an end token.")
    return model, tokenizer


def _window(model: Any, tokenizer: Any) -> int:  # noqa: ANN401
    names = ("max_position_embeddings", "n_positions", "max_source_positions")
    stated = (int(getattr(model.config, name, None) or _NO_LIMIT) for name in names)
    return min(int(tokenizer.model_max_length), *stated)


def _prefix(model: Any) -> str:  # noqa: ANN401
    """Return the prefix that a summarizer expects before the text; T5 models expect the task."""
    tasks = getattr(model.config, "task_specific_params", None) or {}
    stated = (tasks.get("summarization") or {}).get("prefix")
    return str(stated) if stated else ("summarize: " if model.config.model_type in {"t5", "mt5"} else "")
