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

_MAX_TRIES = 100


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
    """Continue the pre-training of a model, or train a new one, on your own documents.

    The loss is the sum of two losses: predicting masked tokens (15 %; of these, 80 % become `[MASK]`, 10 % a random
    token and 10 % stay unchanged), and predicting whether the second sentence of a pair follows the first. Models other
    than BERT have no head for the second task and only train on the first.

    Args:
        documents: Sentences in order.
        folder: Where to save the model, for use as `text.model`.
        base: Id of the model to continue with, or with `scratch`, a size.
        scratch: Start with random weights and a vocabulary of these documents.
        options: Training options.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch.
        progress: Called after every step.

    Returns:
        Scores on held-out documents before and after; also saved with the weights.

    Raises:
        ConfigurationError: There is too little text, or the folder is not empty.
        ModelError: The model cannot be loaded, or the loss is not finite.
    """
    check_free(folder)
    set_threads(threads)
    rng = np.random.default_rng(options.seed)
    train, held_out = split(len(documents), options.held_out, rng.permutation(len(documents)).tolist())
    with seeded(options.seed):
        model, tokenizer = make_bert(base, documents) if scratch else load_for_pretraining(base)  # type: ignore[arg-type]
        model.to(device)
        length = min(options.max_tokens, longest_input(model, tokenizer))
        batches = _Batches(
            tokenizer, options.model_copy(update={"max_tokens": length}), nsp=model.config.model_type == "bert"
        )
        evaluation = list(batches.make([documents[index] for index in held_out], seed=options.seed + 1))
        training_documents = [documents[index] for index in train]
        count = -(-len(sentence_pairs(training_documents, rng)) // options.batch_size)
        if not count or not evaluation:
            raise ConfigurationError("There is too little text: training needs documents of at least two sentences.")
        before = _score(model, evaluation)
        steps = fit(
            model,
            # Different pairs and masks in every epoch.
            lambda epoch: batches.make(training_documents, seed=options.seed + 2 + epoch),
            steps_per_epoch=count,
            options=options,
            progress=progress,
        )
        after = _score(model, evaluation)
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
        """Make shuffled batches of masked pairs, reproducible by the seed."""
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
            rows = [{name: values[index] for name, values in encoded.items()} for index in range(len(group))]
            batch = _masked(collator, rows)
            if batch is None:
                continue
            if self._nsp:
                # As in BERT: 0 means that the second sentence follows.
                batch["next_sentence_label"] = torch.tensor([int(not pair.follows) for pair in group])
            yield batch


def _masked(collator: Any, rows: list[dict[str, list[int]]]) -> Batch | None:  # noqa: ANN401
    """Mask tokens. Try again if no token of a small batch was masked, because then it has no loss."""
    for _ in range(_MAX_TRIES):
        batch: Batch = dict(collator(rows))
        if bool((batch["labels"] != -100).any()):
            return batch
    return None


@torch.inference_mode()
def _score(model: Any, batches: Sequence[Batch]) -> PretrainingScore:  # noqa: ANN401
    model.eval()
    loss = correct = masked = nsp_correct = pairs = 0.0
    for batch in batches:
        inputs = {name: tensor.to(model.device) for name, tensor in batch.items() if not name.endswith("label")}
        labels = inputs.pop("labels")
        output = model(**inputs)
        logits = output.prediction_logits if "prediction_logits" in output else output.logits
        is_masked = labels != -100
        loss += float(torch.nn.functional.cross_entropy(logits[is_masked].float(), labels[is_masked], reduction="sum"))
        correct += float((logits[is_masked].argmax(-1) == labels[is_masked]).sum())
        masked += float(is_masked.sum())
        if "next_sentence_label" in batch:
            predicted = output.seq_relationship_logits.argmax(-1).cpu()
            nsp_correct += float((predicted == batch["next_sentence_label"]).sum())
            pairs += len(predicted)
    return PretrainingScore(
        mlm_loss=loss / masked if masked else math.nan,
        mlm_accuracy=correct / masked if masked else math.nan,
        nsp_accuracy=nsp_correct / pairs if pairs else None,
    )
