"""Extras on top of the pipeline: the sample archive, BERT training, fusion training, explanations and audits."""
