"""openai-whisper, the reference implementation of Whisper in PyTorch."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pipeline.analysis.speech.engines.checkpoint import cached_checkpoint
from pipeline.analysis.speech.engines.interface import (
    ENDING_FRAMES,
    MAX_TOKENS,
    Alignment,
    Decoded,
    Encoded,
    Span,
    Task,
    Tokenizer,
    alignment,
    by_length,
    tokenizer_for,
)
from pipeline.analysis.speech.engines.warping import cheapest_path
from pipeline.models import ModelInfo, runs_on, set_threads
from schemas.errors import ModelError

MEDIAN_FILTER_FRAMES = 7
LOOP_TEMPERATURE = 0.4


class OpenAIWhisperEngine:
    """OpenAI's `whisper.model.Whisper`, which decodes windows in batches.

    Args:
        info: A CTranslate2 folder, a Transformers folder, or an OpenAI `.pt` file.
        device: `cpu` or `cuda`.
        threads: Threads on a CPU. This sets PyTorch's and OpenCV's number for the whole process.

    Raises:
        ModelError: The model cannot be read.
    """

    name = "openai-whisper"

    def __init__(self, info: ModelInfo, *, device: str, threads: int) -> None:
        from whisper.model import ModelDimensions, Whisper

        set_threads(threads)
        checkpoint = cached_checkpoint(info)
        model = Whisper(ModelDimensions(**checkpoint.dims))
        try:
            model.load_state_dict(checkpoint.state)
        except RuntimeError as error:
            raise ModelError(
                f"the weights of speech.model {info.id} in {info.path} do not fit Whisper: {error}"
            ) from error
        if checkpoint.alignment_heads:
            heads = torch.zeros(model.dims.n_text_layer, model.dims.n_text_head, dtype=torch.bool)
            heads[tuple(zip(*checkpoint.alignment_heads, strict=True))] = True
            model.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
        self._model = model.eval().to(device)
        self._heads = [(int(layer), int(head)) for layer, head in model.alignment_heads.indices().T]
        self._fp16 = device == "cuda"
        self.runs_on = runs_on(device, "float16" if self._fp16 else "float32")
        self.n_mels = int(model.dims.n_mels)
        self.multilingual = bool(model.is_multilingual)
        self.num_languages = int(model.num_languages)

    @torch.inference_mode()
    def encode(self, mel: NDArray[np.float32]) -> Encoded:
        """Run the encoder over log-mel windows; see `WhisperEngine.encode`."""
        windows = torch.from_numpy(mel).to(self._model.device)
        encoder = self._model.encoder
        # As the encoder's own `forward`, which takes no shorter windows.
        hidden = functional.gelu(encoder.conv1(windows.half() if self._fp16 else windows))
        hidden = functional.gelu(encoder.conv2(hidden)).permute(0, 2, 1)
        hidden = (hidden + encoder.positional_embedding[: hidden.shape[1]]).to(hidden.dtype)
        for block in encoder.blocks:
            hidden = block(hidden)
        return Encoded(encoder.ln_post(hidden), len(mel))

    @torch.inference_mode()
    def select(self, encoded: Encoded, indices: Sequence[int]) -> Encoded:
        """Return the encoder's output for some of the windows, in this order."""
        return Encoded(encoded.features[list(indices)], len(indices))

    @torch.inference_mode()
    def join(self, parts: Sequence[Encoded]) -> Encoded:
        """Return what was encoded in several calls as if it had been encoded together."""
        return Encoded(torch.cat([part.features for part in parts]), sum(part.windows for part in parts))

    @torch.inference_mode()
    def detect(self, encoded: Encoded, spans: Sequence[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        """Return the probability of each language code for each span; see `WhisperEngine.detect`."""
        tokenizer = tokenizer_for(self)
        start = torch.tensor([[tokenizer.sot]], device=self._model.device)
        codes, tokens = tokenizer.all_language_codes, list(tokenizer.all_language_tokens)
        found: list[dict[str, float]] = [{}] * len(spans)

        def part(window: int, first: int, last: int) -> torch.Tensor:
            whole: torch.Tensor = encoded.features[window]
            if last - first == len(whole):
                return whole
            after = whole if ending is None else ending.features[0]
            return torch.cat([whole[first:last], after[-ENDING_FRAMES:]])

        for indices in by_length(spans).values():
            parts = [part(*spans[n]) for n in indices]
            logits = self._model.logits(start.expand(len(parts), 1), torch.stack(parts))[:, 0, tokens]
            for index, row in zip(indices, logits.float().softmax(dim=-1).tolist(), strict=True):
                found[index] = dict(zip(codes, row, strict=True))
        return found

    @torch.inference_mode()
    def generate(
        self,
        encoded: Encoded,
        language: str,
        *,
        beam_size: int,
        break_loops: bool,
        task: Task = "transcribe",
        max_tokens: int = MAX_TOKENS,
    ) -> list[Decoded]:
        """Decode the windows together; see `WhisperEngine.generate`. Seeded sampling breaks loops."""
        from whisper.decoding import DecodingOptions, decode

        options = DecodingOptions(
            task=task,
            language=language,
            beam_size=None if break_loops or beam_size == 1 else beam_size,
            temperature=LOOP_TEMPERATURE if break_loops else 0.0,
            sample_len=max_tokens,
            without_timestamps=True,
            fp16=self._fp16,
        )
        # It takes features for the encoder's output only if they are as long as its longest output.
        self._model.dims = replace(self._model.dims, n_audio_ctx=encoded.features.shape[1])
        # whisper 20250625 cannot decode several windows with several beams: it repeats the tokens but not the features.
        batch = len(encoded.features) if options.beam_size is None else 1
        with torch.random.fork_rng(enabled=break_loops):
            if break_loops:
                torch.manual_seed(0)
            results = [r for part in encoded.features.split(batch) for r in decode(self._model, part, options)]
        return [
            Decoded(tuple(r.tokens), float(r.avg_logprob), float(r.no_speech_prob), len(r.tokens) >= max_tokens)
            for r in results
        ]

    @torch.inference_mode()
    def align(
        self,
        encoded: Encoded,
        language: str,
        tokens: Sequence[Sequence[int]],
        frames: Sequence[int],
        *,
        task: Task = "transcribe",
    ) -> list[Alignment]:
        """Align text tokens with the first `frames` mel frames of each window, one window at a time to save memory."""
        tokenizer = tokenizer_for(self, language, task)
        windows = zip(encoded.features, tokens, frames, strict=True)
        return [self._align(features, tokenizer, text, length) for features, text, length in windows]

    def _align(self, features: Tensor, tokenizer: Tokenizer, text: Sequence[int], frames: int) -> Alignment:
        """Align by the cross-attention of the alignment heads, as `whisper.timing.find_alignment` does."""
        from whisper.model import disable_sdpa
        from whisper.timing import median_filter

        prefix = len(tokenizer.sot_sequence)
        sequence = [*tokenizer.sot_sequence, tokenizer.no_timestamps, *text, tokenizer.eot]
        attention: dict[int, Tensor] = {}
        hooks = [
            block.cross_attn.register_forward_hook(
                lambda _module, _inputs, outputs, index=index: attention.update({index: outputs[-1][0]})
            )
            for index, block in enumerate(self._model.decoder.blocks)
        ]
        try:
            with disable_sdpa():
                logits = self._model.decoder(torch.tensor([sequence], device=features.device), features[None])[0]
        finally:
            for hook in hooks:
                hook.remove()
        chosen = logits[prefix : prefix + len(text), : tokenizer.eot].softmax(dim=-1)
        probabilities = chosen[torch.arange(len(text)), torch.tensor(text)]
        # (heads, tokens, frames of 20 ms)
        weights = torch.stack([attention[layer][head] for layer, head in self._heads])[:, :, : frames // 2]
        weights = weights.float().softmax(dim=-1)
        std, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
        matrix = median_filter((weights - mean) / std, MEDIAN_FILTER_FRAMES).mean(dim=0)[prefix:-1]
        return alignment(cheapest_path(-matrix.double().cpu().numpy()), probabilities.double().cpu().numpy())
