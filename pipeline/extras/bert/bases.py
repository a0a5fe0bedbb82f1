"""Base models: a BERT by id, or a new one of a published size with a new vocabulary."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.extras.bert.corpus import Document
from pipeline.models import LOAD_ERRORS, LOAD_OPTIONS, quiet_transformers, resolve
from schemas.errors import ModelError
from schemas.training import BertSize

SIZES: Mapping[BertSize, tuple[int, int]] = {
    "tiny": (2, 128), "mini": (4, 256), "small": (4, 512), "medium": (8, 512), "base": (12, 768), "large": (24, 1024),
}  # fmt: skip
"""Layers and hidden size (Turc et al. 2019; base and large: Devlin et al. 2019). A head has 64 dimensions."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def load_for_pretraining(model_id: str) -> tuple[Any, Any]:
    """Load a model with heads for masked language modelling and, for BERT, next sentence prediction.

    Missing heads are initialised randomly.

    Returns:
        Model and tokenizer.

    Raises:
        ModelError: It cannot be found or loaded, or has no mask token.
    """
    from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, BertForPreTraining

    info = resolve("text", model_id)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(info.path, **LOAD_OPTIONS)
            kind = AutoConfig.from_pretrained(info.path, **LOAD_OPTIONS).model_type
            auto = BertForPreTraining if kind == "bert" else AutoModelForMaskedLM
            model = auto.from_pretrained(info.path, **LOAD_OPTIONS)
    except LOAD_ERRORS as error:
        raise ModelError(f"{info.id} cannot be pre-trained: {error}. It must be a BERT-like encoder.") from error
    if tokenizer.mask_token is None:
        raise ModelError(f"{info.id} cannot be pre-trained: it has no mask token for masked language modelling.")
    return model, tokenizer


def load_for_classification(model_id: str, labels: Sequence[str]) -> tuple[Any, Any]:
    """Load a model with a new classification head.

    Returns:
        Model and tokenizer.

    Raises:
        ModelError: It cannot be found or loaded.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    info = resolve("text", model_id)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(info.path, **LOAD_OPTIONS)
            model = AutoModelForSequenceClassification.from_pretrained(
                info.path,
                num_labels=len(labels),
                id2label=dict(enumerate(labels)),
                label2id={label: index for index, label in enumerate(labels)},
                problem_type="single_label_classification",
                ignore_mismatched_sizes=True,
                **LOAD_OPTIONS,
            )
    except LOAD_ERRORS as error:
        raise ModelError(f"{info.id} cannot be fine-tuned: {error}. It must be a BERT-like encoder.") from error
    return model, tokenizer


def make_bert(size: BertSize, documents: Sequence[Document], *, vocabulary: int = 30_522) -> tuple[Any, Any]:
    """Make a BERT with random weights and a WordPiece vocabulary trained on the documents, in any language.

    Args:
        size: One of `SIZES`.
        documents: Text for the vocabulary.
        vocabulary: Maximum number of word pieces.

    Returns:
        Model and tokenizer.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 - a token of text
    pieces.normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=list(_SPECIAL), show_progress=False)
    pieces.train_from_iterator((sentence for document in documents for sentence in document), trainer)
    pieces.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, _SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer = BertTokenizerFast(tokenizer_object=pieces, model_max_length=512)
    layers, hidden = SIZES[size]
    config = BertConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=layers,
        hidden_size=hidden,
        num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden,
    )
    return BertForPreTraining(config), tokenizer
