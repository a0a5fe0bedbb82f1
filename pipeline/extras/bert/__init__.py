"""Train a BERT on the text of a lake (MLM and NSP pre-training, fine-tuning for classification), and use it."""

from pipeline.extras.bert.classify import TextClassifier, Unit
from pipeline.extras.bert.corpus import documents_of_file, documents_of_lake
from pipeline.extras.bert.examples import Example, read_examples
from pipeline.extras.bert.finetuning import finetune
from pipeline.extras.bert.pretraining import pretrain

__all__ = [
    "Example",
    "TextClassifier",
    "Unit",
    "documents_of_file",
    "documents_of_lake",
    "finetune",
    "pretrain",
    "read_examples",
]
