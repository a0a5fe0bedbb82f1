"""What builds on everything else: the sample archive, BERT training, fusion training, explanations, audits."""
