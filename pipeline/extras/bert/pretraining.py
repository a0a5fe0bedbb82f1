"""Pre-train BERT on a corpus: masked language modelling and next sentence prediction (Devlin et al. 2019)."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.extras.bert.bases import load_for_pretraining, make_bert
from pipeline.extras.bert.corpus import Document
from pipeline.extras.bert.fitting import Progress, check_free, fit, save_model, seeded, split
from pipeline.extras.bert.pairs import sentence_pairs
from pipeline.models import longest_input, set_threads
from schemas.errors import ConfigurationError
from schemas.training import BertSize, PretrainingReport, PretrainingScore, TrainingOptions

Batch = dict[str, torch.Tensor]

_TRIES = 100


def pretrain(
    documents: Sequence[Document],
    folder: Path,
    *,
    base: str | BertSize,
    scratch: bool = False,
    options: TrainingOptions = TrainingOptions(),  # noqa: B008 - immutable
    device: str = "cpu",
    threads: int = 1,
    progress: Progress = lambda _step, _steps, _loss: None,
) -> PretrainingReport:
    """Go on with the pre-training of a model, or begin a new one, on documents of one's own.

    The loss is the sum of two: of the tokens that are hidden (15 %: of these 80 % as `[MASK]`, 10 % as a random token,
    10 % as they are), and of telling whether the second sentence of a pair follows the first. Models that are no BERT
    have no head for the latter and learn from the former alone.

    Args:
        documents: Sentences in their order.
        folder: Where the model is saved; usable as `text.model`.
        base: Id of the model to go on with; with `scratch`, a size.
        scratch: Begin with random weights and a vocabulary of these documents.
        options: How.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch.
        progress: Told of every step.

    Returns:
        Scores on held-out documents before and after; saved beside the weights, too.

    Raises:
        ConfigurationError: There is too little text, or the folder is taken.
        ModelError: The model cannot be loaded, or training fell apart.
    """
    check_free(folder)
    set_threads(threads)
    rng = np.random.default_rng(options.seed)
    learnt, held = split(len(documents), options.held_out, rng.permutation(len(documents)).tolist())
    with seeded(options.seed):
        model, tokenizer = make_bert(base, documents) if scratch else load_for_pretraining(base)  # type: ignore[arg-type]
        model.to(device)
        length = min(options.max_tokens, longest_input(model, tokenizer))
        batches = _Batches(
            tokenizer, options.model_copy(update={"max_tokens": length}), nsp=model.config.model_type == "bert"
        )
        measured = list(batches.make([documents[place] for place in held], seed=options.seed + 1))
        lessons = [documents[place] for place in learnt]
        count = -(-len(sentence_pairs(lessons, rng)) // options.batch_size)
        if not count or not measured:
            raise ConfigurationError("There is too little text: documents of at least two sentences are needed.")
        before = _score(model, measured)
        steps = fit(
            model,
            # Other pairs and other masks every time.
            lambda epoch: batches.make(lessons, seed=options.seed + 2 + epoch),
            steps_per_epoch=count,
            options=options,
            progress=progress,
        )
        after = _score(model, measured)
    report = PretrainingReport(
        base=f"scratch:{base}" if scratch else base,
        documents=len(documents),
        sentences=sum(map(len, documents)),
        steps=steps,
        before=before,
        after=after,
    )
    save_model(model, tokenizer, folder, report)
    return report


class _Batches:
    def __init__(self, tokenizer: Any, options: TrainingOptions, *, nsp: bool) -> None:  # noqa: ANN401
        self._tokenizer, self._options, self._nsp = tokenizer, options, nsp

    def make(self, documents: Sequence[Document], *, seed: int) -> Iterator[Batch]:
        """Make shuffled batches of masked pairs; the same for the same seed."""
        from transformers import DataCollatorForLanguageModeling

        pairs = sentence_pairs(documents, np.random.default_rng(seed))
        collator = DataCollatorForLanguageModeling(self._tokenizer, mlm_probability=self._options.masked, seed=seed)
        size = self._options.batch_size
        for start in range(0, len(pairs), size):
            group = pairs[start : start + size]
            encoded = self._tokenizer(
                [pair.first for pair in group],
                [pair.second for pair in group],
                truncation="longest_first",
                max_length=self._options.max_tokens,
                return_special_tokens_mask=True,
            )
            rows = [{name: values[place] for name, values in encoded.items()} for place in range(len(group))]
            batch = _hidden_somewhere(collator, rows)
            if batch is None:
                continue
            if self._nsp:
                # BERT's own convention: 0 for a sentence that follows.
                batch["next_sentence_label"] = torch.tensor([int(not pair.follows) for pair in group])
            yield batch


def _hidden_somewhere(collator: Any, rows: list[dict[str, list[int]]]) -> Batch | None:  # noqa: ANN401
    """Hide tokens; again, where chance hid none in all of a small batch, of which no loss could be computed."""
    for _ in range(_TRIES):
        batch: Batch = dict(collator(rows))
        if bool((batch["labels"] != -100).any()):
            return batch
    return None


@torch.inference_mode()
def _score(model: Any, batches: Sequence[Batch]) -> PretrainingScore:  # noqa: ANN401
    model.eval()
    loss = right = hidden = told = pairs = 0.0
    for batch in batches:
        inputs = {name: tensor.to(model.device) for name, tensor in batch.items() if not name.endswith("label")}
        labels = inputs.pop("labels")
        output = model(**inputs)
        logits = output.prediction_logits if "prediction_logits" in output else output.logits
        counted = labels != -100
        loss += float(torch.nn.functional.cross_entropy(logits[counted].float(), labels[counted], reduction="sum"))
        right += float((logits[counted].argmax(-1) == labels[counted]).sum())
        hidden += float(counted.sum())
        if "next_sentence_label" in batch:
            guessed = output.seq_relationship_logits.argmax(-1).cpu()
            told += float((guessed == batch["next_sentence_label"]).sum())
            pairs += len(guessed)
    return PretrainingScore(
        mlm_loss=loss / hidden if hidden else math.nan,
        mlm_accuracy=right / hidden if hidden else math.nan,
        nsp_accuracy=told / pairs if pairs else None,
    )
