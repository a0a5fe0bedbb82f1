"""The sample archive."""

from pipeline.extras.sample.archive import make_sample

__all__ = ["make_sample"]
