"""The sample archive."""
