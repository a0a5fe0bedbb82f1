"""Implementations of the `videolake` commands. Each is imported only when it runs, which keeps `--help` fast."""
