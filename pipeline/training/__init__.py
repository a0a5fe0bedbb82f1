"""Train a BERT on a lake's own words: MLM and NSP pre-training, fine-tuning for classification, and its use."""

from pipeline.training.classify import TextClassifier
from pipeline.training.corpus import documents_of_file, documents_of_lake
from pipeline.training.examples import Example, read_examples
from pipeline.training.finetune import finetune
from pipeline.training.pretrain import pretrain

__all__ = [
    "Example",
    "TextClassifier",
    "documents_of_file",
    "documents_of_lake",
    "finetune",
    "pretrain",
    "read_examples",
]
