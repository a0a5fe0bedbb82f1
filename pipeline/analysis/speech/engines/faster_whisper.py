"""faster-whisper, which runs Whisper on CTranslate2: int8 on a CPU, float16 on a GPU."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speech.engines.interface import (
    ENDING_FRAMES,
    MAX_TOKENS,
    Alignment,
    Decoded,
    Encoded,
    Span,
    Task,
    alignment,
    by_length,
    is_ctranslate2,
    tokenizer_for,
)
from pipeline.models import ModelInfo, runs_on
from schemas.errors import ModelError

logger = logging.getLogger(__name__)

GREEDY_PARTS = 2
"""Parts in which greedy decoding runs. Between them, it checks for a loop. To go on costs as much as to begin again."""
REPEATED_TOKENS, LONGEST_PERIOD = 24, 8
"""A loop is when the last tokens have a period of at most `LONGEST_PERIOD`: nobody repeats words that often."""
MAX_AT_ONCE = 2
"""Windows that a CPU computes at the same time, if it has the threads. Each needs 150 MB beside the model."""
LOOP_NGRAM = 6
"""When breaking a loop, no sequence of this many tokens may repeat. People do not repeat sequences this long."""


Result = TypeVar("Result")


class FasterWhisperEngine:
    """faster-whisper's `WhisperModel`, which decodes windows in batches.

    On a CPU, two threads take a window each, as the threads of one window wait for each other after every token.

    Args:
        info: A CTranslate2 folder.
        compute_type: Precision for CTranslate2; `auto` is int8 on a CPU, and float16 on a GPU that supports it.
        device: `cpu` or `cuda`.
        threads: Threads on a CPU.

    Raises:
        ModelError: The folder holds no CTranslate2 model, or a damaged one.
    """

    name = "faster-whisper"

    def __init__(self, info: ModelInfo, *, compute_type: str, device: str, threads: int) -> None:
        from faster_whisper import WhisperModel

        if not is_ctranslate2(info.path):
            raise ModelError(
                f"{info.path} is not a CTranslate2 model (it has no model.bin). "
                "Set speech.engine to `openai-whisper`, or convert it: "
                f"`ct2-transformers-converter --model {info.id} --output_dir FOLDER --copy_files tokenizer.json "
                "preprocessor_config.json`, and set speech.model to that folder"
            )
        device = _usable(device)
        if compute_type == "auto":
            compute_type = _fastest(device)
        self._on_gpu = device == "cuda"
        self._at_once = 1 if self._on_gpu else min(threads, MAX_AT_ONCE)
        try:
            self._model = WhisperModel(
                str(info.path),
                device=device,
                compute_type=compute_type,
                cpu_threads=max(1, threads // self._at_once),
                num_workers=self._at_once,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"faster-whisper cannot load speech.model {info.id} from {info.path}: {error}") from error
        self._whisper = self._model.model
        self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="whisper")
        self.runs_on = runs_on(device, self._whisper.compute_type)
        self.n_mels = int(self._whisper.n_mels)
        self.multilingual = bool(self._whisper.is_multilingual)
        self.num_languages = int(self._whisper.num_languages)

    def encode(self, mel: NDArray[np.float32]) -> Encoded:
        """Run the encoder over log-mel windows; see `WhisperEngine.encode`."""
        if self._on_gpu or len(mel) == 1:
            return Encoded(self._model.encode(mel), len(mel))
        # Its attention holds 72 MB per window and layer, which is less than a processor caches only for one window.
        encoded = self._threads.map(self._model.encode, np.split(mel, len(mel)))
        return self.join([Encoded(each, 1) for each in encoded])

    def select(self, encoded: Encoded, indices: Sequence[int]) -> Encoded:
        """Return the encoder's output for some of the windows, in this order."""
        return _encoded(_array(encoded)[list(indices)])

    def join(self, parts: Sequence[Encoded]) -> Encoded:
        """Return what was encoded in several calls as if it had been encoded together."""
        return _encoded(np.concatenate([_array(part) for part in parts]))

    def detect(self, encoded: Encoded, spans: Sequence[Span], ending: Encoded | None = None) -> list[dict[str, float]]:
        """Return the probability of each language code for each span; see `WhisperEngine.detect`."""
        import ctranslate2

        features, silence = _array(encoded), _array(ending) if ending else None

        def part(window: int, first: int, last: int) -> NDArray[np.float32]:
            whole: NDArray[np.float32] = features[window]
            if last - first == len(whole):
                return whole
            after = whole if silence is None else silence[0]
            return np.concatenate([whole[first:last], after[-ENDING_FRAMES:]])

        found: list[dict[str, float]] = [{}] * len(spans)
        for indices in by_length(spans).values():
            parts = np.stack([part(*spans[n]) for n in indices])
            results = self._whisper.detect_language(ctranslate2.StorageView.from_array(parts))
            for index, result in zip(indices, results, strict=True):
                found[index] = {token[2:-2]: probability for token, probability in result}
        return found

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
        """Decode the windows together; see `WhisperEngine.generate`.

        To break loops we forbid repetition instead of sampling at a temperature, as OpenAI's code does. CTranslate2
        cannot reseed its random numbers once its threads run, and a video must give the same text every time.
        """
        tokenizer = tokenizer_for(self, language, task)
        start = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if beam_size == 1 and not break_loops:
            return self._greedy(encoded, start, max_tokens)
        texts: list[list[int]] = [[] for _ in range(encoded.windows)]
        ngram = LOOP_NGRAM if break_loops else 0
        results = self._extend(encoded, start, texts, max_tokens, beam_size=beam_size, no_repeat_ngram_size=ngram)
        return [_decoded(*result, truncated=len(result[0]) >= max_tokens) for result in results]

    def _greedy(self, encoded: Encoded, start: Sequence[int], max_tokens: int) -> list[Decoded]:
        """Decode greedily, a part of the tokens at a time, and stop windows in which the decoder repeats itself."""
        found = [_Partial() for _ in range(encoded.windows)]
        running = list(range(encoded.windows))
        length = max(-(-max_tokens // GREEDY_PARTS), REPEATED_TOKENS)
        for step in range(0, max_tokens, length):
            limit = min(length, max_tokens - step)
            part = encoded if len(running) == encoded.windows else self.select(encoded, running)
            texts = [found[n].tokens for n in running]
            # A text may end where the part before did, but it must not be empty.
            results = list(self._extend(part, start, texts, limit, beam_size=1, suppress_blank=step == 0))
            for number, (tokens, logprob, no_speech_prob) in zip(running, results, strict=True):
                each = found[number]
                each.ended = len(tokens) < len(each.tokens) + limit
                each.tokens = tokens
                each.logprob += logprob
                if step == 0:
                    each.no_speech_prob = no_speech_prob
            running = [number for number in running if not (found[number].ended or _repeats(found[number].tokens))]
            if not running:
                break
        return [_decoded(each.tokens, each.logprob, each.no_speech_prob, truncated=not each.ended) for each in found]

    def _extend(
        self,
        encoded: Encoded,
        start: Sequence[int],
        texts: Sequence[Sequence[int]],
        max_tokens: int,
        **options: int,
    ) -> Iterator[tuple[list[int], float, float]]:
        """Extend the text of each window, all equally long, by up to `max_tokens`.

        Yields:
            The tokens of the whole text, the total log-probability of the new ones, and the probability of no speech.
        """

        def generate(features: Any, some: slice) -> list[Any]:  # noqa: ANN401 - CTranslate2 is untyped
            found: list[Any] = self._whisper.generate(
                features,
                [[*start, *text] for text in texts[some]],
                max_length=2 * (len(texts[0]) + max_tokens),  # CTranslate2 takes half of it for the text, old and new
                return_scores=True,
                return_no_speech_prob=True,
                **options,
            )
            return found

        for result in self._at_the_same_time(encoded, generate):
            # The score is the sum, also of the end token, over the number of all tokens without it.
            tokens = result.sequences_ids[0]
            yield tokens, result.scores[0] * max(len(tokens), 1), float(result.no_speech_prob)

    def align(
        self,
        encoded: Encoded,
        language: str,
        tokens: Sequence[Sequence[int]],
        frames: Sequence[int],
        *,
        task: Task = "transcribe",
    ) -> list[Alignment]:
        """Align text tokens with the first `frames` mel frames of each window."""
        start = list(tokenizer_for(self, language, task).sot_sequence)

        def align(features: Any, some: slice) -> list[Any]:  # noqa: ANN401 - CTranslate2 is untyped
            texts = [list(window) for window in tokens[some]]
            found: list[Any] = self._whisper.align(features, start, texts, list(frames[some]))
            return found

        results = self._at_the_same_time(encoded, align)
        return [alignment(np.asarray(r.alignments), np.asarray(r.text_token_probs, np.float64)) for r in results]

    def _at_the_same_time(self, encoded: Encoded, compute: Callable[[Any, slice], list[Result]]) -> Iterable[Result]:
        """Return the results for all windows. Each thread computes some of them."""
        if min(encoded.windows, self._at_once) == 1:
            return compute(encoded.features, slice(None))
        edges = [encoded.windows * n // self._at_once for n in range(self._at_once + 1)]
        parts = [slice(*pair) for pair in pairwise(edges)]
        features = _array(encoded)
        return chain.from_iterable(
            self._threads.map(lambda some: compute(_encoded(features[some]).features, some), parts)
        )


@dataclass(slots=True)
class _Partial:
    """What greedy decoding has found of a window so far."""

    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    no_speech_prob: float = 0.0
    ended: bool = False


def _decoded(tokens: Sequence[int], logprob: float, no_speech_prob: float, *, truncated: bool) -> Decoded:
    """Return the result for a window. Whisper's mean counts the end token."""
    return Decoded(tuple(tokens), float(logprob) / (len(tokens) + 1), no_speech_prob, truncated)


def _repeats(tokens: Sequence[int]) -> bool:
    last = tokens[-REPEATED_TOKENS:]
    return len(last) == REPEATED_TOKENS and any(
        last[period:] == last[:-period] for period in range(1, LONGEST_PERIOD + 1)
    )


def _array(encoded: Encoded) -> NDArray[Any]:
    """Return the encoder's output, (n, frames, d), in the precision of the model."""
    import ctranslate2

    return np.asarray(encoded.features.to_device(ctranslate2.Device.cpu))


def _encoded(features: NDArray[Any]) -> Encoded:
    import ctranslate2

    return Encoded(ctranslate2.StorageView.from_array(np.ascontiguousarray(features)), len(features))


def _usable(device: str) -> str:
    """Return the device that this build of CTranslate2 can use."""
    import ctranslate2

    if device == "cuda" and not ctranslate2.get_cuda_device_count():
        logger.warning("faster-whisper runs on the CPU, because this build of CTranslate2 cannot use the GPU.")
        return "cpu"
    return device


def _fastest(device: str) -> str:
    """Return the fastest precision that a device supports. Older GPUs have no fast float16."""
    import ctranslate2

    if device == "cpu":
        return "int8"
    return "float16" if "float16" in ctranslate2.get_supported_compute_types(device) else "float32"
